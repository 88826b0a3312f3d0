import ONNX
import ResNet

extension ONNXImporter {
  /// Sums and products of feature maps with each other and with constants.
  static let arithmeticOperators: [String: Operator] = [
    "Add": { importer, node throws(CheckpointError) in
      if let sum = try importer.bias(node) { return sum }
      return try importer.combine(.add, node)
    },
    "Sum": { importer, node throws(CheckpointError) in try importer.combine(.add, node) },
    "Mean": { importer, node throws(CheckpointError) in try importer.mean(node) },
    "Mul": { importer, node throws(CheckpointError) in try importer.combine(.multiply, node) },
    "Sub": { importer, node throws(CheckpointError) in
      try importer.combine(.combine(.subtract), node)
    },
    "Div": { importer, node throws(CheckpointError) in
      try importer.combine(.combine(.divide), node)
    },
    "Max": { importer, node throws(CheckpointError) in
      try importer.combine(.combine(.maximum), node)
    },
    "Min": { importer, node throws(CheckpointError) in
      try importer.combine(.combine(.minimum), node)
    },
    "Neg": { importer, node throws(CheckpointError) in
      let (input, value) = try importer.anyOperand(0, of: node)
      return value(try importer.scale(input, by: -1, node))
    },
  ]

  /// Combines all inputs, two except for a sum and the like; the last step has the node's name.
  private mutating func combine(
    _ operation: Operation, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    if let result = try affine(node) { return result }
    if let result = try bounded(node) { return result }
    guard node.inputs.count > 1 else {
      let (id, value) = try anyOperand(0, of: node)
      return value(id)
    }
    var result = try repeatedOperand(0, of: node)
    let last = node.inputs.count - 1
    for index in 1...last {
      let other = try repeatedOperand(index, of: node)
      let name = index == last ? node.name : "\(node.name).\(index)"
      result = try combine(operation, result, other, name, node)
    }
    for index in 0...last {
      guard case .expanded(_, _, let sizes) = value(index, of: node) else { continue }
      guard sizes == result.1.sizes else {
        throw fault(
          node, "numbers repeated for \(sizes) with a map of dimensions \(result.1.sizes)")
      }
    }
    return try settled(result.0, result.1, node)
  }

  /// Adds all inputs and divides by their number.
  private mutating func mean(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    var (sum, arrangement) = try arrangedOperand(0, of: node)
    for index in node.inputs.indices.dropFirst() {
      (sum, arrangement) = try combine(
        .add, (sum, arrangement), try arrangedOperand(index, of: node), "\(node.name).\(index)",
        node)
    }
    // Nothing before it may become the scale: inputs may be read elsewhere too.
    for input in node.inputs { openNormalizations[input] = nil }
    return try settled(
      scale(sum, by: 1 / Float(node.inputs.count), node), arrangement, node)
  }

  /// Returns an input that may be numbers to be repeated along dimensions of 1.
  private mutating func repeatedOperand(
    _ index: Int, of node: ONNXNode
  ) throws(CheckpointError) -> (Graph.NodeID, ONNXArrangement) {
    if case .expanded(let id, let arrangement, _) = value(index, of: node) {
      return (id, arrangement)
    }
    return try arrangedOperand(index, of: node)
  }

  /// Scales each number alike, by a node of the given name or the file's.
  mutating func scale(
    _ input: Graph.NodeID, by factor: Float, named name: String? = nil, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let channels = shapes[input].channels
    // Before the numbers are there.
    try countParameter(channels)
    return try normalize(
      input, scale: [Float](repeating: factor, count: channels),
      shift: [Float](repeating: 0, count: channels), named: name, node)
  }

  /// Bounds an input by a constant for all channels or each, as Max and Min of one do; nil if the node
  /// is none of these.
  private mutating func bounded(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue? {
    guard ["Max", "Min"].contains(node.operation), node.inputs.count == 2,
      let side = node.inputs.firstIndex(where: isConstant)
    else { return nil }
    let bound = try neededParameter(side, of: node)
    guard bound.elementCount == 1 else { return try bounded(by: bound, side: side, node) }
    let number = bound.values[0]
    let function: Elementwise =
      node.operation == "Max"
      ? .clip(minimum: number, maximum: .infinity) : .clip(minimum: -.infinity, maximum: number)
    return try apply(function, node, input: 1 - side)
  }

  /// Bounds each channel by a number of its own: `max(x, b) = relu(x - b) + b`, and `min(x, b) = b -
  /// relu(b - x)`.
  private mutating func bounded(
    by bound: Tensor, side: Int, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (input, order) = try operand(1 - side, of: node)
    let bounds = try perChannel(bound, shapes[input], order, node)
    let sign: Float = node.operation == "Max" ? 1 : -1
    try countParameter(bounds.count)
    let signs = [Float](repeating: sign, count: bounds.count)
    let distance = try normalize(input, scale: signs, shift: bounds.map { -sign * $0 }, node)
    let excess = try append("\(node.name).excess", .relu, [distance], for: node)
    return order.value(try normalize(excess, scale: signs, shift: bounds, node))
  }

  /// Combines an input with a constant for all channels or each, as a normalisation that only
  /// scales and shifts.
  ///
  /// Returns nil if neither input is a constant, or the operator is none of these.
  private mutating func affine(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue? {
    guard node.inputs.count == 2, let side = node.inputs.firstIndex(where: isConstant),
      !["Max", "Min"].contains(node.operation)
    else { return nil }
    let constant = try neededParameter(side, of: node)
    if case .arranged(let id, let arrangement) = value(1 - side, of: node) {
      guard constant.elementCount == 1, constant.shape.count <= arrangement.axes.count + 1 else {
        throw fault(node, "a constant of shape \(constant.shape) for parted dimensions")
      }
      return try settled(affine(id, constant.values, side: side, node), arrangement, node)
    }
    let (input, order) = try operand(1 - side, of: node)
    let given = try perChannel(constant, shapes[input], order, node)
    return order.value(try affine(input, given, side: side, node))
  }

  /// - Parameter side: Input that the numbers `given` are, one or one for each channel.
  private mutating func affine(
    _ input: Graph.NodeID, _ given: [Float], side: Int, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    var input = input
    let scale: [Float]
    let shift: [Float]
    switch node.operation {
    case "Add", "Sum": (scale, shift) = ([1], given)
    case "Mul": (scale, shift) = (given, [0])
    case "Sub" where side == 1: (scale, shift) = ([1], given.map { -$0 })
    case "Sub": (scale, shift) = ([-1], given)
    case "Div" where side == 1: (scale, shift) = (given.map { 1 / $0 }, [0])
    default:
      input = try append(
        "\(node.name).reciprocal", .elementwise(.power(exponent: -1)), [input], for: node)
      (scale, shift) = (given, [0])
    }
    let channels = shapes[input].channels
    try countParameter(channels)
    func spread(_ values: [Float]) -> [Float] {
      values.count == channels ? values : [Float](repeating: values[0], count: channels)
    }
    let factors = spread(scale)
    let offsets = spread(shift)
    return try normalize(input, scale: factors, shift: offsets, node)
  }

  /// Returns numbers for every channel, or one for all, of a constant that is broadcast to a
  /// tensor.
  func perChannel(
    _ given: Tensor, _ shape: FeatureShape, _ order: ONNXOrder, _ node: ONNXNode
  ) throws(CheckpointError) -> [Float] {
    let values = given.values
    let missing = order.rank - given.shape.count
    guard missing >= 0 else {
      throw fault(node, "a constant of shape \(given.shape) for \(shape)")
    }
    if values.count == 1 { return values }
    let dimensions = [Int](repeating: 1, count: missing) + given.shape
    let fits = zip(dimensions, order.dimensions(shape, batch: 1)).allSatisfy {
      $0 == 1 || $0 == $1
    }
    guard fits, order.separatesChannels || shape.pixelCount == 1 else {
      throw fault(node, "a constant of shape \(given.shape) for \(shape)")
    }
    let channelCount = dimensions[order.channelAxis]
    let stride = dimensions[(order.channelAxis + 1)...].reduce(1, *)
    let perChannel = (0..<channelCount).map { values[$0 * stride] }
    guard values.indices.allSatisfy({ values[$0] == perChannel[$0 / stride % channelCount] }) else {
      throw fault(
        node,
        "a constant of shape \(given.shape) whose numbers differ from pixel to pixel; one for all or one "
          + "for each channel is computed here")
    }
    return perChannel
  }

  /// Computes `x * scale + shift`, each `[C]`, within the normalisation before it if nothing else
  /// reads that.
  mutating func normalize(
    _ input: Graph.NodeID, scale: [Float], shift: [Float], named name: String? = nil,
    _ node: ONNXNode
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
        name ?? node.name, .batchNormalization(.scale), [input],
        for: node,
        [
          ("weight", tensor(scale)), ("bias", tensor(shift)), ("running_mean", constant(0)),
          ("running_var", constant(BatchNormalization.scaleVariance)),
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
