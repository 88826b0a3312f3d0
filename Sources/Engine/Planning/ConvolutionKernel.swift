import CKernels
import ResNet

/// A kernel of our own for one convolution, with its bias, residual sum, ReLU and clips; any thread
/// may run it.
package protocol ConvolutionKernel: Sendable {
  /// Name of the implementation, like `Primitive.implementation`.
  var implementation: String { get }

  var scratchpadByteCount: Int { get }

  /// Runs on memory that is as large as the layouts and `scratchpadByteCount` say. A residual is in
  /// the destination before.
  func run(
    source: UnsafeMutableRawPointer, weights: UnsafeRawPointer,
    destination: UnsafeMutableRawPointer, scratchpad: UnsafeMutableRawPointer)
}

extension result_bounds {
  init(_ bounds: Bounds?) {
    self.init(applies: bounds != nil, lower: bounds?.lower ?? 0, upper: bounds?.upper ?? 0)
  }
}
