extension NetworkVariant {
  /// Function after normalisations and sums.
  package enum Activation: Sendable, Hashable {
    case relu, relu6
    case leakyRelu(slope: Float)
    case elu, selu, gelu, silu, hardSwish, mish, tanh
    /// None at all, for the layers of a classifier.
    case identity
  }
}

extension NetworkVariant.Activation {
  /// Slope of PyTorch's LeakyReLU.
  static let usualSlope: Float = 0.01

  /// Reads `relu`, `leaky-relu`, `leaky-relu:0.1`, … .
  init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    switch (parts.first.map(String.init) ?? "", parts.count) {
    case ("relu", 1): self = .relu
    case ("relu6", 1): self = .relu6
    case ("selu", 1): self = .selu
    case ("mish", 1): self = .mish
    case ("hard-swish", 1), ("hard_swish", 1), ("hardswish", 1): self = .hardSwish
    case ("elu", 1): self = .elu
    case ("gelu", 1): self = .gelu
    case ("silu", 1), ("swish", 1): self = .silu
    case ("tanh", 1): self = .tanh
    case ("none", 1): self = .identity
    case ("leaky-relu", 1), ("leaky_relu", 1): self = .leakyRelu(slope: Self.usualSlope)
    case ("leaky-relu", 2), ("leaky_relu", 2):
      guard let slope = Float(parts[1]), slope.isFinite else { return nil }
      self = .leakyRelu(slope: slope)
    default: return nil
    }
  }

  static let names = [
    "relu", "relu6", "leaky-relu[:SLOPE]", "elu", "selu", "gelu", "silu", "hard-swish", "mish",
    "tanh", "none",
  ]

  var text: String {
    switch self {
    case .relu: "relu"
    case .relu6: "relu6"
    case .leakyRelu(let slope): "leaky-relu:\(slope)"
    case .elu: "elu"
    case .selu: "selu"
    case .gelu: "gelu"
    case .silu: "silu"
    case .hardSwish: "hard-swish"
    case .mish: "mish"
    case .tanh: "tanh"
    case .identity: "none"
    }
  }
}
