import ResNet

/// Attention over channels at the end of a block's main path.
extension NetworkBuilder {
  /// Names under which programs keep it.
  private static let names = ["se", "se_module", "se_layer", "se_block", "eca"]

  var hasAttention: Bool { Self.names.contains(where: parts.contains) }

  /// Appends a squeeze and excitation (Hu et al. 2018) or an efficient one (Wang et al. 2020), if
  /// the network has it.
  mutating func appendAttention(_ block: String) throws(CheckpointError) {
    for name in Self.names {
      let modules = parts.modules(of: "\(block).\(name)")
      guard !modules.isEmpty else { continue }
      return try append(
        "\(block).\(name)", modules.map { "\(block).\(name).\($0).weight" })
    }
    // What the first block has, all have.
    if let name = Self.names.first(where: parts.contains) {
      throw .unsupported(
        "no tensors \(block).\(name), which other blocks have; export the network as ONNX")
    }
  }

  private mutating func append(
    _ name: String, _ weights: [String]
  ) throws(CheckpointError) {
    let map = output
    let channels = outputShape.channels
    let shapes = weights.map { tensors.shape($0)?.filter { $0 != 1 } ?? [] }
    if weights.count == 1, let kernel = shapes.first, kernel.count == 1,
      tensors.shape(weights[0])?.count == 3
    {
      try appendGlobalPooling("\(name).pool", variant.attentionPooling?.pooling ?? .avg)
      let convolution = Convolution(outputChannels: channels, kernel: Extent(1))
      try append("\(name).conv", .convolution(convolution))
      try count(derived: channels * channels)
      usesChannelKernels = true
      take(
        "\(name).conv.weight",
        from: variant.attentionPadding == .circular
          ? .circulant(weights[0]) : .banded(weights[0]))
    } else if weights.count == 2, shapes.allSatisfy({ $0.count == 2 }),
      shapes[0][1] == channels, shapes[1][0] == channels, shapes[0][0] == shapes[1][1]
    {
      try appendGlobalPooling("\(name).pool", variant.attentionPooling?.pooling ?? .avg)
      try appendPixelConvolution(weights[0], outputs: shapes[0][0])
      // In timm's networks too, whatever stands between their convolutions.
      try append("\(name).relu", Operation.relu)
      try appendPixelConvolution(weights[1], outputs: channels)
    } else {
      throw .unsupported(
        "attention \(shown(name)) of tensors that are not those of a squeeze and excitation of "
          + "\(channels) channels; export the network as ONNX")
    }
    switch variant.attentionGate ?? .sigmoid {
    case .sigmoid: try append("\(name).gate", .elementwise(.sigmoid))
    case .hardSigmoid:
      // PyTorch's, of min(max(x + 3, 0), 6) / 6.
      try append("\(name).gate", .elementwise(.hardSigmoid(alpha: 1 / 6, beta: 0.5)))
    }
    try append("\(name).scale", .multiply, [map, output])
  }

  /// Appends a 1x1 convolution by weights of two or four dimensions.
  private mutating func appendPixelConvolution(
    _ weight: String, outputs: Int
  ) throws(CheckpointError) {
    let module = String(weight.dropLast(".weight".count))
    var convolution = Convolution(outputChannels: outputs, kernel: Extent(1))
    convolution.hasBias = tensors.shape("\(module).bias") != nil
    try append(module, .convolution(convolution))
    take(weight, from: .stored(weight))
  }
}
