import ONNX
import ResNet

/// Parts of efficient channel attention (Wang et al. 2020) other than its gate: a convolution along
/// one pixel's channels, and a number per channel repeated for all pixels.
extension ONNXImporter {
  static let rowOperators: [String: Operator] = [
    "Expand": { importer, node throws(CheckpointError) in try importer.expand(node) }
  ]

  /// Adds a linear layer whose weights are a band.
  ///
  /// The input is `[N, 1, C]`, the weights `[1, 1, K]`; there are as many results as inputs.
  mutating func convolveRow(
    _ input: Graph.NodeID, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let weight = try neededParameter(1, of: node)
    let stride = try integerList("strides", of: node) ?? [1]
    let dilation = try integerList("dilations", of: node) ?? [1]
    let pads = try integerList("pads", of: node) ?? [0, 0]
    let kernel = try integerList("kernel_shape", of: node)
    guard weight.shape.count == 3, kernel ?? [weight.shape[2]] == [weight.shape[2]],
      try integer("group", of: node, default: 1) == 1, weight.shape[0] == 1, weight.shape[1] == 1,
      stride == [1],
      dilation == [1], pads.count == 2, isPaddedByNumbers(node),
      pads.allSatisfy({ 0...ONNXImportLimits.windowNumber ~= $0 }),
      pads[0] + pads[1] == weight.shape[2] - 1
    else { throw fault(node, "weights \(weight.shape) and pads \(pads.prefix(8)) along channels") }
    let taps = weight.values
    let channels = shapes[input].channels
    try countParameter(channels * channels)
    var band = [Float](repeating: 0, count: channels * channels)
    for output in 0..<channels {
      for source in 0..<channels {
        let tap = source - output + pads[0]
        if taps.indices ~= tap { band[output * channels + source] = taps[tap] }
      }
    }
    var linear = Linear(outputs: channels)
    linear.hasBias = false
    var parameters = [
      (suffix: "weight", tensor: Tensor(shape: [channels, channels], storage: band))
    ]
    if let bias = try parameter(2, of: node) {
      guard bias.elementCount == 1 else { throw fault(node, "a bias of shape \(bias.shape)") }
      linear.hasBias = true
      let values = [Float](repeating: bias.values[0], count: channels)
      parameters.append(("bias", Tensor(shape: [channels], storage: values)))
    }
    let name = parameterName(1, of: node)
    return ONNXOrder.row.value(
      try append(name, .linear(linear), [input], for: node, parameters))
  }

  private func isPaddedByNumbers(_ node: ONNXNode) -> Bool {
    switch node.attributes["auto_pad"] {
    case nil, .string("NOTSET"): true
    default: false
    }
  }

  /// Expands one pixel to a whole map, which a product does by itself.
  private mutating func expand(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let input = try features(0, of: node)
    guard let shape = try integers(1, of: node) else { throw fault(node, "no shape") }
    let channels = shapes[input].channels
    guard shapes[input].pixelCount == 1, shape.count == 4, shape[0] == batchSize,
      shape[1] == channels, shape[2] > 0, shape[3] > 0
    else { throw fault(node, "shape \(shape.prefix(8)) for \(shapes[input])") }
    let target = FeatureShape(channels: channels, height: shape[2], width: shape[3])
    return .expanded(input, to: target)
  }

  /// Returns the product of a map and numbers that were expanded to it, or nil if no input was
  /// expanded.
  mutating func expandedProduct(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue? {
    for side in node.inputs.indices where node.inputs.count == 2 {
      guard case .expanded(let gate, let target) = value(side, of: node) else { continue }
      let map = try features(1 - side, of: node)
      guard shapes[map] == target else {
        throw fault(node, "\(shapes[map]) with numbers for \(target)")
      }
      return .features(try append(node.name, .multiply, [map, gate], for: node))
    }
    return nil
  }
}
