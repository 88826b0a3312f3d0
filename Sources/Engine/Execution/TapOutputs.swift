package import ResNet

/// Outputs of the nodes that `CompilationOptions.taps` names, for the images of one run.
///
/// Belongs to one thread at a time.
package final class TapOutputs {
  /// Places of the taps that are wanted; nil for all.
  private let wanted: Set<Int>?
  /// For each tap, fp32 whatever the network computes with, row-major `[N, C, H, W]`.
  package private(set) var numbers: [[Float]] = []
  /// Shape of one image's output of each tap.
  package private(set) var shapes: [FeatureShape] = []

  /// - Parameter wanted: Places of the taps whose outputs are wanted; nil for all.
  package init(_ wanted: Set<Int>? = nil) { self.wanted = wanted }

  func takes(_ tap: Int) -> Bool { wanted?.contains(tap) ?? true }

  /// Returns one image's output of a tap.
  package func numbers(of tap: Int, image: Int) -> ArraySlice<Float> {
    let count = shapes[tap].elementCount
    return numbers[tap][image * count..<(image + 1) * count]
  }

  func begin(_ shapes: [FeatureShape], imageCount: Int) {
    self.shapes = shapes
    numbers = shapes.enumerated().map { tap, shape in
      var numbers: [Float] = []
      if takes(tap) { numbers.reserveCapacity(imageCount * shape.elementCount) }
      return numbers
    }
  }

  /// Adds the outputs of the images that have run last.
  func append(_ values: UnsafeBufferPointer<Float>, to tap: Int) {
    unsafe numbers[tap].append(contentsOf: values)
  }
}
