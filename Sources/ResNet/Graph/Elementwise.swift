/// Function of each number by itself, without learned parameters.
package enum Elementwise: Sendable, Hashable {
  /// `1 / (1 + exp(-x))`.
  case sigmoid
  /// `min(max(alpha * x + beta, 0), 1)`, as ONNX's HardSigmoid; both are finite.
  case hardSigmoid(alpha: Float, beta: Float)
  /// `min(max(x, minimum), maximum)`; ReLU6 is 0 to 6. The bounds are in order and may be infinite.
  case clip(minimum: Float, maximum: Float)

  /// Fault of its numbers; nil if they are valid.
  var fault: String? {
    switch self {
    case .sigmoid: nil
    case .hardSigmoid(let alpha, let beta):
      alpha.isFinite && beta.isFinite ? nil : "alpha \(alpha) and beta \(beta) must be finite"
    case .clip(let minimum, let maximum):
      minimum <= maximum
        ? nil
        : "bounds \(minimum) and \(maximum) are not in order; the lower must not exceed the upper"
    }
  }

  /// Whether no result is below zero.
  package var isNonnegative: Bool {
    switch self {
    case .sigmoid, .hardSigmoid: true
    case .clip(let minimum, _): minimum >= 0
    }
  }
}
