/// A function of each number for itself, without learned parameters.
package enum Elementwise: Sendable, Hashable {
  /// `1 / (1 + exp(-x))`.
  case sigmoid
  /// `min(max(alpha * x + beta, 0), 1)`, as ONNX's HardSigmoid; both are finite.
  case hardSigmoid(alpha: Float, beta: Float)
  /// `min(max(x, minimum), maximum)`; ReLU6 is 0 to 6. The bounds are in order and may be infinite.
  case clip(minimum: Float, maximum: Float)

  /// Why its numbers are of no use; nil where they are.
  var fault: String? {
    switch self {
    case .sigmoid: nil
    case .hardSigmoid(let alpha, let beta):
      alpha.isFinite && beta.isFinite ? nil : "\(alpha) * x + \(beta) is not finite"
    case .clip(let minimum, let maximum):
      minimum <= maximum ? nil : "bounds \(minimum) and \(maximum) are not in order"
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
