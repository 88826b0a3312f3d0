/// Images that a network is trained on, each with a class or with labels. Any thread may ask.
package protocol TrainingImages: Sendable {
  var count: Int { get }
  /// Class of an image; of one with independent labels, any number that tells kinds of images apart.
  func label(of index: Int) -> Int
  /// Labels of an image that are independent of each other, one number from 0 to 1 for each output;
  /// nil if it has a class.
  func labels(of index: Int) -> [Float]?
  /// Name of an image, for messages.
  func name(of index: Int) -> String
  /// Writes an image as an epoch sees it, `[C, H, W]`; the same epoch sees the same numbers.
  func write(_ index: Int, epoch: Int, into numbers: inout MutableSpan<Float>)
}

extension TrainingImages {
  package func labels(of index: Int) -> [Float]? { nil }
}

/// One sight of an image.
package struct ImageView: Sendable, Hashable {
  package var image: Int
  /// Epoch whose view it is: how often the image was seen before.
  package var epoch: Int

  package init(image: Int, epoch: Int) { (self.image, self.epoch) = (image, epoch) }
}
