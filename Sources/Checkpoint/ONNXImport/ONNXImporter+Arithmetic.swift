import ONNX
import ResNet

extension ONNXImporter {
  /// Sums and products of feature maps with each other and with constants.
  static let arithmeticOperators: [String: Operator] = [
    "Add": { importer, node throws(CheckpointError) in
      if let sum = try importer.bias(node) { return sum }
      if let result = try importer.affine(node) { return result }
      return try importer.combine(.add, node)
    },
    "Sum": { importer, node throws(CheckpointError) in
      if let result = try importer.affine(node) { return result }
      return try importer.combine(.add, node)
    },
    "Mul": { importer, node throws(CheckpointError) in
      if let result = try importer.affine(node) { return result }
      if let result = try importer.expandedProduct(node) { return result }
      return try importer.combine(.multiply, node)
    },
    "Sub": { importer, node throws(CheckpointError) in
      if let result = try importer.affine(node) { return result }
      throw importer.fault(node, "neither of its inputs is a constant")
    },
    "Div": { importer, node throws(CheckpointError) in
      if let result = try importer.affine(node) { return result }
      throw importer.fault(node, "its divisor is not a constant")
    },
  ]

  /// Epsilon of a normalisation that only scales and shifts: with this variance the deviation is
  /// exactly 1.
  private static let unitEpsilon: Float = 0x1p-16
  private static let unitVariance = 1 - unitEpsilon

  /// Combines all inputs, two except for a Sum; the last step has the node's name.
  private mutating func combine(
    _ operation: Operation, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    var (result, order) = try operand(0, of: node)
    let last = node.inputs.count - 1
    for index in stride(from: 1, through: last, by: 1) {
      let (other, otherOrder) = try operand(index, of: node)
      guard order == otherOrder else { throw fault(node, "inputs in different orders") }
      // Without an axis of their own, the channels of one pixel do not align with those of all.
      guard order.separatesChannels || shapes[result] == shapes[other] else {
        throw fault(node, "\(shapes[result]) and \(shapes[other]), flattened")
      }
      let name = index == last ? node.name : "\(node.name).\(index)"
      result = try append(name, operation, [result, other], for: node)
    }
    return order.value(result)
  }

  /// Combines an input with a constant for all channels or each, as a normalisation that only
  /// scales and shifts.
  ///
  /// Returns nil if neither input is a constant.
  private mutating func affine(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue? {
    guard node.inputs.count == 2, let side = node.inputs.firstIndex(where: isConstant) else {
      return nil
    }
    let (input, order) = try operand(1 - side, of: node)
    let given = try perChannel(neededParameter(side, of: node), shapes[input], order, node)
    let scale: [Float]
    let shift: [Float]
    switch node.operation {
    case "Add", "Sum": (scale, shift) = ([1], given)
    case "Mul": (scale, shift) = (given, [0])
    case "Sub" where side == 1: (scale, shift) = ([1], given.map { -$0 })
    case "Sub": (scale, shift) = ([-1], given)
    case "Div" where side == 1: (scale, shift) = (given.map { 1 / $0 }, [0])
    default: throw fault(node, "its divisor is not a constant")
    }
    let channels = shapes[input].channels
    func spread(_ values: [Float]) -> [Float] {
      values.count == channels ? values : [Float](repeating: values[0], count: channels)
    }
    return order.value(
      try normalize(input, scale: spread(scale), shift: spread(shift), node))
  }

  /// Returns numbers for every channel, or one for all, of a constant that is broadcast to a
  /// tensor.
  private func perChannel(
    _ given: Tensor, _ shape: FeatureShape, _ order: ONNXOrder, _ node: ONNXNode
  ) throws(CheckpointError) -> [Float] {
    let values = given.values
    let missing = order.rank - given.shape.count
    guard missing >= 0 else {
      throw fault(node, "a constant of shape \(given.shape) for \(shape)")
    }
    if values.count == 1 { return values }
    let dimensions = [Int](repeating: 1, count: missing) + given.shape
    let isPerChannel = dimensions.enumerated().allSatisfy { axis, size in
      size == (axis == order.channelAxis ? shape.channels : 1)
    }
    guard isPerChannel, order.separatesChannels || shape.pixelCount == 1 else {
      throw fault(node, "a constant of shape \(given.shape) for \(shape)")
    }
    return values
  }

  /// Computes `x * scale + shift`, each `[C]`, within the normalisation before it if nothing else
  /// reads that.
  private mutating func normalize(
    _ input: Graph.NodeID, scale: [Float], shift: [Float], _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let source = node.inputs.first { openNormalizations[$0] == input }
    let result: Graph.NodeID
    if let source {
      openNormalizations[source] = nil
      try countFolded(scale.count)
      try rescale(input, scale: scale, shift: shift, node)
      result = input
    } else {
      let channels = shapes[input].channels
      for _ in 0..<4 { try countParameter(channels) }
      func tensor(_ values: [Float]) -> Tensor { Tensor(shape: [channels], storage: values) }
      func constant(_ value: Float) -> Tensor {
        tensor([Float](repeating: value, count: channels))
      }
      result = try append(
        node.name, .batchNormalization(BatchNormalization(epsilon: Self.unitEpsilon)), [input],
        for: node,
        [
          ("weight", tensor(scale)), ("bias", tensor(shift)), ("running_mean", constant(0)),
          ("running_var", constant(Self.unitVariance)),
        ])
    }
    openNormalization(result, node)
    return result
  }

  /// Allows a constant after a normalisation to become part of it, if a single node reads the
  /// result.
  mutating func openNormalization(_ id: Graph.NodeID, _ node: ONNXNode) {
    if let output = node.outputs.first, readerCounts[output] == 1 {
      openNormalizations[output] = id
    }
  }
}
