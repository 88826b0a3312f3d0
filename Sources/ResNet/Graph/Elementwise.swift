/// Function of each number by itself, without learned parameters.
package enum Elementwise: Sendable, Hashable {
  /// `1 / (1 + exp(-x))`.
  case sigmoid
  /// `min(max(alpha * x + beta, 0), 1)`, as ONNX's HardSigmoid; both are finite.
  case hardSigmoid(alpha: Float, beta: Float)
  /// `min(max(x, minimum), maximum)`; ReLU6 is 0 to 6. The bounds are in order and may be infinite.
  case clip(minimum: Float, maximum: Float)
  /// `x` above 0, else `slope * x`; the slope is finite.
  case leakyRelu(slope: Float)
  /// `x` above 0, else `alpha * (exp(x) - 1)`; alpha is finite.
  case elu(alpha: Float)
  /// `x * Phi(x)`, with the normal distribution's function, as `x / 2 * (1 + erf(x / sqrt(2)))`.
  case gelu
  /// The approximation `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))` of `gelu`.
  case tanhGelu
  case tanh
  /// `log(1 + exp(x))`.
  case softplus
  case exponential
  /// Natural logarithm: minus infinity of 0, NaN below.
  case logarithm
  case squareRoot
  /// `x^exponent`; the exponent is finite.
  case power(exponent: Float)

  /// Fault of its numbers; nil if they are valid.
  var fault: String? {
    switch self {
    case .sigmoid, .gelu, .tanhGelu, .tanh, .softplus, .exponential, .logarithm,
      .squareRoot:
      nil
    case .hardSigmoid(let alpha, let beta):
      alpha.isFinite && beta.isFinite ? nil : "alpha \(alpha) and beta \(beta) must be finite"
    case .clip(let minimum, let maximum):
      minimum <= maximum
        ? nil
        : "bounds \(minimum) and \(maximum) are not in order; the lower must not exceed the upper"
    case .leakyRelu(let number), .elu(let number), .power(let number):
      number.isFinite ? nil : "its number \(number) must be finite"
    }
  }

  /// Returns bounds of the results for numbers within others.
  func bounds(of input: Bounds) -> Bounds {
    switch self {
    case .sigmoid, .hardSigmoid: Bounds(0, 1)
    case .softplus, .exponential, .squareRoot: .nonnegative
    case .clip(let minimum, let maximum): input.clipped(to: Bounds(minimum, maximum))
    case .power(let exponent):
      exponent.truncatingRemainder(dividingBy: 2) == 0 ? .nonnegative : .none
    case .tanh: Bounds(-1, 1)
    case .leakyRelu, .elu, .gelu, .tanhGelu, .logarithm: .none
    }
  }
}
