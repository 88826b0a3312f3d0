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

/// Numbers of what a convolution reads and writes.
package struct ConvolutionNumbers: Sendable {
  package var source: Number
  package var destination: Number
  /// Number of the residual, and what it is multiplied by; nil where none is added.
  package var residual: (number: Number, scale: Float)?

  package init(
    source: Number, destination: Number, residual: (number: Number, scale: Float)? = nil
  ) {
    self.source = source
    self.destination = destination
    self.residual = residual
  }
}

extension result_bounds {
  init(_ bounds: Bounds?) {
    self.init(applies: bounds != nil, lower: bounds?.lower ?? 0, upper: bounds?.upper ?? 0)
  }
}
