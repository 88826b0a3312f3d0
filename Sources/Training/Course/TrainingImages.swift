/// Images that a network is trained on, each with a class. Any thread may ask.
package protocol TrainingImages: Sendable {
  var count: Int { get }
  /// Class of an image.
  func label(of index: Int) -> Int
  /// Name of an image, for messages.
  func name(of index: Int) -> String
  /// Writes an image as an epoch sees it, `[C, H, W]`; the same epoch sees the same numbers.
  func write(_ index: Int, epoch: Int, into numbers: inout MutableSpan<Float>)
}
