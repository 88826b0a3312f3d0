import ResNet

/// Functions of each number, and of all pixels of a channel.
extension NetworkBuilder {
  /// Constants of PyTorch's SELU (Klambauer et al. 2017).
  private static let seluAlpha: Float = 1.6732632
  private static let seluScale: Float = 1.050701

  /// The network's activation, after normalisations and sums.
  var activation: NetworkVariant.Activation { variant.activation ?? .relu }

  /// Appends an activation.
  mutating func append(
    _ name: String, _ activation: NetworkVariant.Activation
  ) throws(CheckpointError) {
    switch activation {
    case .relu: try append(name, Operation.relu)
    case .leakyRelu(let slope): try append(name, .elementwise(.leakyRelu(slope: slope)))
    case .relu6: try append(name, .elementwise(.clip(minimum: 0, maximum: 6)))
    case .elu: try append(name, .elementwise(.elu(alpha: 1)))
    case .selu:
      try append("\(name).elu", .elementwise(.elu(alpha: Self.seluAlpha)))
      try appendFactor(name, from: .filled(Self.seluScale))
    case .gelu: try append(name, .elementwise(.gelu))
    case .tanh: try append(name, .elementwise(.tanh))
    case .silu: try appendProduct(name, with: [.sigmoid])
    case .hardSwish: try appendProduct(name, with: [.hardSigmoid(alpha: 1 / 6, beta: 0.5)])
    case .mish: try appendProduct(name, with: [.softplus, .tanh])
    case .identity: break
    }
  }

  /// Multiplies the output by functions of itself, one after the other.
  private mutating func appendProduct(
    _ name: String, with functions: [Elementwise]
  ) throws(CheckpointError) {
    let input = output
    for (index, function) in functions.enumerated() {
      try append(
        index == functions.count - 1 ? "\(name).gate" : "\(name).\(index)",
        .elementwise(function))
    }
    try append(name, .multiply, [input, output])
  }

  /// Appends a factor for each channel.
  mutating func appendFactor(
    _ name: String, from source: ParameterSource
  ) throws(CheckpointError) {
    try append(name, .batchNormalization(.scale))
    take("\(name).weight", from: source)
    for term in ["bias", "running_mean"] { take("\(name).\(term)", from: .filled(0)) }
    take("\(name).running_var", from: .filled(BatchNormalization.scaleVariance))
  }

  /// Appends what makes one number of each channel's pixels, or two.
  mutating func appendGlobalPooling(
    _ name: String, _ kind: NetworkVariant.GlobalPooling
  ) throws(CheckpointError) {
    let (map, shape) = (output, outputShape)
    let window = Pooling(
      window: Extent(height: shape.height, width: shape.width), stride: Extent(1))
    switch kind {
    case .avg: try append(name, .globalAveragePool)
    case .max: try append(name, .maxPool(window))
    case .avgMax, .maxAvg, .mean:
      let mean = try append("\(name).mean", .globalAveragePool, [map])
      let largest = try append("\(name).maximum", .maxPool(window), [map])
      if kind == .mean {
        try append("\(name).sum", .add, [mean, largest])
        try appendFactor(name, from: .filled(0.5))
      } else {
        try append(name, .concatenation, kind == .avgMax ? [mean, largest] : [largest, mean])
      }
    }
  }
}
