import ONNX
import ResNet

/// Normalisation by an image's own numbers.
extension ONNXImporter {
  static let normalizationOperators: [String: Operator] = [
    "InstanceNormalization": { importer, node throws(CheckpointError) in
      try importer.instanceNormalization(node)
    },
    "GroupNormalization": { importer, node throws(CheckpointError) in
      try importer.groupNormalization(node)
    },
    "LayerNormalization": { importer, node throws(CheckpointError) in
      try importer.layerNormalization(node)
    },
    ONNXPatterns.normalization: { importer, node throws(CheckpointError) in
      let (input, arrangement) = try importer.arrangedOperand(0, of: node)
      let rank = arrangement.axes.count + 1
      let axes = try importer.integerList("axes", of: node) ?? []
      return try importer.normalization(
        input, arrangement, axes: axes.map { ($0 < 0 ? $0 &+ rank : $0) &- 1 },
        epsilon: importer.number("epsilon", of: node, default: 0), node)
    },
    "LpNormalization": { importer, node throws(CheckpointError) in
      try importer.unitNormalization(node)
    },
    "LRN": { importer, node throws(CheckpointError) in try importer.localResponse(node) },
    ONNXPatterns.localResponse: { importer, node throws(CheckpointError) in
      let shape = importer.shapes[try importer.features(0, of: node)]
      let sizes = try importer.integerList("sizes", of: node) ?? []
      // What is open is as large as it must be.
      let isWhole = zip(sizes, [shape.channels, shape.height, shape.width]).allSatisfy {
        $0 == $1 || $0 == -1
      }
      guard isWhole, sizes.count(where: { $0 == -1 }) < 2 else {
        throw importer.fault(node, "dimensions \(sizes) for \(shape)")
      }
      return try importer.localResponse(node)
    },
  ]

  /// Normalises each dimension after the batch, which may be a group of channels, by all that
  /// follow it.
  private mutating func instanceNormalization(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (input, arrangement) = try arrangedOperand(0, of: node)
    let epsilon = try number("epsilon", of: node, default: 1e-5)
    let parts = arrangement.parts
    let count = arrangement.sizes.first ?? 1
    let isGrouped =
      arrangement.axes.first == Array((arrangement.axes.first ?? []).indices)
      && arrangement.axes.first?.allSatisfy({ parts[$0].side == .channels }) == true
    guard isGrouped, arrangement.axes.count > 1 else {
      throw fault(node, "input 0 has no channels or groups of them after the batch")
    }
    let result = try normalization(
      input, SampleNormalization(.groups(count), epsilon: epsilon), parameters: count, node)
    return try settled(result, arrangement, node)
  }

  private mutating func groupNormalization(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let input = try features(0, of: node)
    let groups = try integer("num_groups", of: node, default: 0)
    let epsilon = try number("epsilon", of: node, default: 1e-5)
    // Since set 21 there is a number for each channel, before there was one for each group.
    let count = try neededParameter(1, of: node).elementCount
    return .features(
      try normalization(
        input, SampleNormalization(.groups(groups), epsilon: epsilon),
        parameters: count == groups ? groups : shapes[input].channels, node))
  }

  private mutating func layerNormalization(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (input, arrangement) = try arrangedOperand(0, of: node)
    let rank = arrangement.axes.count + 1
    let given = try integer("axis", of: node, default: -1)
    let axis = (given < 0 ? given &+ rank : given) &- 1
    guard arrangement.axes.indices.contains(axis) else { throw fault(node, "axis \(given)") }
    let normal = try normalization(
      input, arrangement, axes: Array(axis..<arrangement.axes.count),
      epsilon: number("epsilon", of: node, default: 1e-5), node)
    guard let (id, order) = normal.output else { throw fault(node, "parted dimensions") }
    let scale = try perChannel(neededParameter(1, of: node), shapes[id], order, node)
    var shift: [Float] = [0]
    if let given = try parameter(2, of: node) {
      shift = try perChannel(given, shapes[id], order, node)
    }
    return order.value(try rescaled(id, scale, shift, node))
  }

  /// Normalises by all numbers of some dimensions.
  private mutating func normalization(
    _ input: Graph.NodeID, _ arrangement: ONNXArrangement, axes: [Int], epsilon: Float,
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    guard axes.allSatisfy(arrangement.axes.indices.contains), Set(axes).count == axes.count else {
      throw fault(node, "axes that the input does not have")
    }
    let parts = axes.flatMap { arrangement.axes[$0] }.sorted()
    let channels = arrangement.parts.indices.filter { arrangement.parts[$0].side == .channels }
    let pixels = arrangement.parts.indices.filter { arrangement.parts[$0].side != .channels }
    let scope: SampleNormalization.Scope
    switch parts {
    case Array(arrangement.parts.indices): scope = .groups(1)
    case channels: scope = .channels
    case _
    where Array(parts.suffix(pixels.count)) == pixels
      && parts.dropLast(pixels.count) == channels.suffix(parts.count - pixels.count):
      // The faster parts of the channels with all pixels: groups of channels that follow each other.
      let inner = parts.dropLast(pixels.count).reduce(1) { $0 * arrangement.parts[$1].size }
      scope = .groups(shapes[input].channels / inner)
    default: throw fault(node, "dimensions that are neither pixels nor channels nor groups")
    }
    let normal = try append(
      node.name, .normalization(SampleNormalization(scope, epsilon: epsilon)), [input], for: node)
    return try settled(normal, arrangement, node)
  }

  /// Normalises, and scales and shifts by inputs 1 and 2 of the node, which have `parameters` numbers
  /// each: one for each channel or run of channels.
  private mutating func normalization(
    _ input: Graph.NodeID, _ normalization: SampleNormalization, parameters: Int, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let (scale, shift) = (try neededParameter(1, of: node), try neededParameter(2, of: node))
    guard scale.shape == [parameters], shift.shape == [parameters] else {
      throw fault(
        node,
        "numbers of shapes \(scale.shape) and \(shift.shape) for \(parameters) channels or groups")
    }
    let (factors, terms) = (scale.values, shift.values)
    guard factors.contains(where: { $0 != 1 }) || terms.contains(where: { $0 != 0 }) else {
      return try append(node.name, .normalization(normalization), [input], for: node)
    }
    let normal = try append(
      "\(node.name).normal", .normalization(normalization), [input], for: node)
    return try rescaled(normal, factors, terms, node)
  }

  /// Scales and shifts runs of channels.
  private mutating func rescaled(
    _ input: Graph.NodeID, _ scale: [Float], _ shift: [Float], _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let channels = shapes[input].channels
    try countParameter(channels)
    func spread(_ values: [Float]) -> [Float] {
      values.flatMap { [Float](repeating: $0, count: channels / values.count) }
    }
    return try normalize(input, scale: spread(scale), shift: spread(shift), node)
  }

  /// Divides the numbers of one dimension by their norm.
  private mutating func unitNormalization(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (input, arrangement) = try arrangedOperand(0, of: node)
    let given = try integer("axis", of: node, default: -1)
    let axis = (given < 0 ? given &+ arrangement.axes.count &+ 1 : given) &- 1
    let power = try integer("p", of: node, default: 2)
    guard arrangement.axes.indices.contains(axis), 1...2 ~= power else {
      throw fault(node, "axis \(given), p \(power); p is 1 or 2, and the axis not the images'")
    }
    let (norm, left) = try reduced(
      input, arrangement, axes: [axis], by: .norm(power), named: "\(node.name).norm", node)
    // Numbers that are all zero stay so.
    let bound = Elementwise.clip(minimum: .leastNormalMagnitude, maximum: .infinity)
    let divisor = try append("\(node.name).divisor", .elementwise(bound), [norm], for: node)
    let result = try combine(
      .combine(.divide), (input, arrangement), (divisor, left), node.name, node)
    return try settled(result.0, result.1, node)
  }

  /// Divides by a power of the squares of the channels around each: the sums of squares are a
  /// convolution whose weights are a band.
  private mutating func localResponse(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let input = try features(0, of: node)
    let size = try integer("size", of: node, default: 0)
    let channels = shapes[input].channels
    guard 1...ONNXImportLimits.windowNumber ~= size else { throw fault(node, "size \(size)") }
    let alpha = try number("alpha", of: node, default: 1e-4)
    let beta = try number("beta", of: node, default: 0.75)
    let bias = try number("bias", of: node, default: 1)
    try countParameter(channels * channels + channels)
    var weight = [Float](repeating: 0, count: channels * channels)
    for output in 0..<channels {
      let first = max(0, output - (size - 1) / 2)
      for source in first...min(channels - 1, output + size / 2) {
        weight[output * channels + source] = alpha / Float(size)
      }
    }
    let square = try append("\(node.name).square", .multiply, [input, input], for: node)
    var convolution = Convolution(outputChannels: channels, kernel: Extent(1))
    convolution.hasBias = true
    let sum = try append(
      "\(node.name).sum", .convolution(convolution), [square], for: node,
      [
        ("weight", Tensor(shape: [channels, channels, 1, 1], storage: weight)),
        ("bias", Tensor(shape: [channels], storage: [Float](repeating: bias, count: channels))),
      ])
    let factor = try append(
      "\(node.name).factor", .elementwise(.power(exponent: -beta)), [sum], for: node)
    return .features(try append(node.name, .multiply, [input, factor], for: node))
  }
}
