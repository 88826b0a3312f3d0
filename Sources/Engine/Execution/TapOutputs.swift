package import ResNet

/// Outputs of the nodes that `CompilationOptions.taps` names, for the images of one run.
///
/// Belongs to one thread at a time.
package final class TapOutputs {
  /// For each tap, fp32 whatever the network computes with, row-major `[N, C, H, W]`.
  package private(set) var numbers: [[Float]] = []
  /// Shape of one image's output of each tap.
  package private(set) var shapes: [FeatureShape] = []

  package init() {}

  /// Returns one image's output of a tap.
  package func numbers(of tap: Int, image: Int) -> ArraySlice<Float> {
    let count = shapes[tap].elementCount
    return numbers[tap][image * count..<(image + 1) * count]
  }

  func begin(_ shapes: [FeatureShape], imageCount: Int) {
    self.shapes = shapes
    numbers = shapes.map { shape in
      var numbers: [Float] = []
      numbers.reserveCapacity(imageCount * shape.elementCount)
      return numbers
    }
  }

  /// Adds the outputs of the images that have run last.
  func append(_ values: UnsafeBufferPointer<Float>, to tap: Int) {
    unsafe numbers[tap].append(contentsOf: values)
  }
}
