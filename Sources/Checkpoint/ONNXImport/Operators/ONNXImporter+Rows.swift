import Imaging
import ONNX
import ResNet

/// A convolution along one pixel's channels, as in efficient channel attention (Wang et al. 2020), and
/// numbers repeated for others.
extension ONNXImporter {
  static let rowOperators: [String: Operator] = [
    "Expand": { importer, node throws(CheckpointError) in try importer.expand(node) },
    "Tile": { importer, node throws(CheckpointError) in try importer.tile(node) },
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

  /// Repeats numbers along dimensions of 1, which what combines them with others does by itself.
  private mutating func expand(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let (input, arrangement) = try arrangedOperand(0, of: node)
    guard let given = try integers(1, of: node) else { throw fault(node, "no shape") }
    let old = [batchSize] + arrangement.sizes
    // Dimensions correspond from the last on.
    let missing = max(0, old.count - given.count)
    let sizes = [Int](repeating: 1, count: missing) + given
    let new = zip(old, sizes).map { $1 == 1 ? $0 : $1 }
    guard sizes.count == old.count, new[0] == batchSize,
      zip(old, new).allSatisfy({ $0 == $1 || $0 == 1 }),
      ONNXTensor.elementCount(new, limit: Graph.featureElementCountLimit) ?? 0 > 0
    else { throw fault(node, "shape \(given.prefix(8)) for \(old)") }
    if new == old { return try settled(input, arrangement, node) }
    return .expanded(input, arrangement, to: Array(new.dropFirst()))
  }

  /// Makes a map of so many copies of one channel, as of a grey image for a network of colours.
  mutating func repeated(
    _ input: Graph.NodeID, _ arrangement: ONNXArrangement, _ sizes: [Int], _ index: Int,
    _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let shape = shapes[input]
    let map = ONNXArrangement(shape, .channelsFirst)
    guard shape.channels == 1, arrangement.joined == map.joined, sizes.count == 3,
      sizes[1...] == [shape.height, shape.width]
    else {
      throw fault(
        node, "input \(index) is not a feature map but one that is repeated, and not in channels")
    }
    return try select(sizes[0], of: input, .channelsFirst, "\(node.name).copies", node) { _ in 0 }
  }

  /// Puts copies of all channels after each other.
  private mutating func tile(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let (input, order) = try operand(0, of: node)
    guard let counts = try integers(1, of: node) else { throw fault(node, "no counts") }
    let channels = shapes[input].channels
    guard counts.count == order.rank,
      counts.indices.allSatisfy({ $0 == order.channelAxis || counts[$0] == 1 }),
      1...Preprocessing.channelCountLimit.upperBound ~= counts[order.channelAxis]
    else { throw fault(node, "copies \(counts.prefix(8)), not of channels alone") }
    let copies = try select(
      counts[order.channelAxis] * channels, of: input, order, node.name, node
    ) { $0 % channels }
    return order.value(copies)
  }
}
