import ONNX
import ResNet

extension ONNXImporter {
  /// The linear layer, and the softmax after it.
  static let classifierOperators: [String: Operator] = [
    "Gemm": { importer, node throws(CheckpointError) in try importer.gemm(node) },
    "MatMul": { importer, node throws(CheckpointError) in try importer.matMul(node) },
    "Softmax": { importer, node throws(CheckpointError) in try importer.softmax(node) },
    "LogSoftmax": { importer, node throws(CheckpointError) in try importer.softmax(node) },
  ]

  /// Computes alpha * A * B + beta * C.
  ///
  /// A is `[N, inputs]`, B `[inputs, K]` or its transpose, C one number or `[K]`.
  private mutating func gemm(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let (input, places) = try flattened(0, of: node)
    guard try !flag("transA", of: node) else {
      throw fault(node, "a transposed input")
    }
    let isTransposed = try flag("transB", of: node)
    let alpha = try number("alpha", of: node, default: 1)
    let beta = try number("beta", of: node, default: 1)
    let matrix = try neededParameter(1, of: node)
    let weight = ordered(
      try rows(matrix, isTransposed: isTransposed, alpha, node), by: places)
    var bias: Tensor?
    if let given = try parameter(2, of: node) {
      bias = try row(given, count: weight.shape[0], beta, node)
    }
    return .flat(try linear(node, input, weight, bias))
  }

  /// Multiplies by a constant; the sum of the product and a constant is the bias if nothing else
  /// reads the product.
  private mutating func matMul(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    if let product = try pixelProduct(node) { return product }
    if let (input, places) = flattenedMap(0, of: node) {
      let weight = try rows(neededParameter(1, of: node), isTransposed: false, 1, node)
      let id = try linear(node, input, ordered(weight, by: places), nil)
      if let output = node.outputs.first, readerCounts[output] == 1 { openProducts[output] = id }
      return .flat(id)
    }
    let (input, order) = try operand(0, of: node)
    // Matrices multiply the last dimension.
    guard order == .flat || order.channelAxis == order.rank - 1 && shapes[input].pixelCount == 1
    else { throw fault(node, "input 0 is not [N, K]") }
    let matrix = try neededParameter(1, of: node)
    let weight = try rows(matrix, isTransposed: false, 1, node)
    let id = try linear(node, input, weight, nil)
    if let output = node.outputs.first, readerCounts[output] == 1 { openProducts[output] = id }
    return order.value(id)
  }

  /// Multiplies the channels of each pixel, where they are the last dimension: a 1x1 convolution.
  ///
  /// Returns nil for a layout without pixels.
  private mutating func pixelProduct(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue? {
    guard let left = value(0, of: node), !isConstant(node.inputs[0]) else { return nil }
    switch left {
    case .channelsLast, .arranged: break
    default: return nil
    }
    let (input, arrangement) = try arrangedOperand(0, of: node)
    let channels = arrangement.parts.indices.filter { arrangement.parts[$0].side == .channels }
    guard shapes[input].pixelCount > 1, arrangement.axes.last == channels else { return nil }
    let matrix = try neededParameter(1, of: node)
    let weight = try rows(matrix, isTransposed: false, 1, node)
    guard weight.shape[1] == shapes[input].channels else {
      throw fault(
        node, "weights for \(weight.shape[1]) numbers, the input has \(shapes[input].channels)")
    }
    let outputs = weight.shape[0]
    let convolution = Convolution(outputChannels: outputs, kernel: Extent(1))
    let tensor = Tensor(shape: [outputs, weight.shape[1], 1, 1], storage: weight.values)
    let result = try append(
      parameterName(1, of: node), .convolution(convolution), [input], for: node,
      [("weight", tensor)])
    // The pixels' dimensions stay, the channels' is another.
    let pixels = arrangement.parts.filter { $0.side != .channels }
    let first = outputs > 1 ? 1 : 0
    let axes = arrangement.axes.dropLast().map { $0.map { $0 - channels.count + first } }
    let parts = outputs > 1 ? [ONNXArrangement.Part(side: .channels, size: outputs)] : []
    return try settled(
      result, ONNXArrangement(parts: parts + pixels, axes: axes + [Array(0..<first)]), node)
  }

  /// Adds a constant to a product as its bias; returns nil if the node adds something else.
  mutating func bias(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue? {
    guard node.inputs.count == 2,
      let index = node.inputs.firstIndex(where: { openProducts[$0] != nil }),
      let id = openProducts.removeValue(forKey: node.inputs[index]),
      isConstant(node.inputs[1 - index])
    else { return nil }
    let given = try neededParameter(1 - index, of: node)
    try addBias(try row(given, count: shapes[id].channels, 1, node), to: id, node)
    return try operand(index, of: node).1.value(id)
  }

  /// Returns the node that computes a tensor `[N, K]`, and for each place the number of the map that
  /// stands there, in the order of `[C, H, W]`; nil for all in their order.
  private func flattened(
    _ index: Int, of node: ONNXNode
  ) throws(CheckpointError) -> (Graph.NodeID, places: [Int]?) {
    if let map = flattenedMap(index, of: node) { return map }
    return (try flat(index, of: node), nil)
  }

  /// Returns the same for a whole map in another order, such as TensorFlow's `[H, W, C]`; nil for
  /// anything else.
  private func flattenedMap(
    _ index: Int, of node: ONNXNode
  ) -> (Graph.NodeID, places: [Int]?)? {
    guard case .arranged(let id, let arrangement) = value(index, of: node),
      arrangement.axes.count == 1, arrangement.sizes == [shapes[id].elementCount]
    else { return nil }
    return (id, arrangement.numbers(inOrderOf: arrangement.axes[0]))
  }

  /// Returns weights `[K, inputs]` for inputs in the map's order.
  private func ordered(_ weight: Tensor, by places: [Int]?) -> Tensor {
    let inputs = weight.shape[1]
    // Another number of inputs is refused by the layer.
    guard let places, places.count == inputs else { return weight }
    let values = weight.values
    var result = values
    for row in stride(from: 0, to: values.count, by: inputs) {
      for (place, number) in places.enumerated() { result[row + number] = values[row + place] }
    }
    return Tensor(shape: weight.shape, storage: result)
  }

  private mutating func linear(
    _ node: ONNXNode, _ input: Graph.NodeID, _ weight: Tensor, _ bias: Tensor?
  ) throws(CheckpointError) -> Graph.NodeID {
    guard weight.shape[1] == shapes[input].elementCount else {
      throw fault(
        node, "weights for \(weight.shape[1]) numbers, the input has \(shapes[input].elementCount)")
    }
    var linear = Linear(outputs: weight.shape[0])
    linear.hasBias = bias != nil
    var parameters = [(suffix: "weight", tensor: weight)]
    if let bias { parameters.append(("bias", bias)) }
    return try append(parameterName(1, of: node), .linear(linear), [input], for: node, parameters)
  }

  /// Returns weights `[K, inputs]` times `factor`.
  private func rows(
    _ matrix: Tensor, isTransposed: Bool, _ factor: Float, _ node: ONNXNode
  ) throws(CheckpointError) -> Tensor {
    guard matrix.shape.count == 2 else { throw fault(node, "weights of shape \(matrix.shape)") }
    if isTransposed, factor == 1 { return matrix }
    let values = matrix.values
    let (outputs, inputs) =
      isTransposed
      ? (matrix.shape[0], matrix.shape[1]) : (matrix.shape[1], matrix.shape[0])
    let (outputStep, inputStep) = isTransposed ? (inputs, 1) : (1, outputs)
    var result = [Float](repeating: 0, count: values.count)
    for output in 0..<outputs {
      for input in 0..<inputs {
        result[output * inputs + input] = factor * values[output * outputStep + input * inputStep]
      }
    }
    return Tensor(shape: [outputs, inputs], storage: result)
  }

  /// Returns a bias `[K]` times `factor`, from one number, `[K]` or `[1, K]`.
  private func row(
    _ given: Tensor, count: Int, _ factor: Float, _ node: ONNXNode
  ) throws(CheckpointError) -> Tensor {
    let values = given.values
    guard given.shape.count <= 2, given.shape.dropLast().allSatisfy({ $0 == 1 }),
      values.count == count || values.count == 1
    else { throw fault(node, "an addend of shape \(given.shape) for \(count) results") }
    let row =
      values.count == count
      ? values.map { $0 * factor } : [Float](repeating: values[0] * factor, count: count)
    return Tensor(shape: [count], storage: row)
  }

  /// Applies a softmax over the dimension of channels or a part of them.
  ///
  /// A LogSoftmax keeps the softmax of the logits, so an answer needs it no more than a softmax, but
  /// nothing may follow.
  private mutating func softmax(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let (input, arrangement) = try arrangedOperand(0, of: node)
    let rank = arrangement.axes.count + 1
    let given = try integer("axis", of: node, default: model.opset < 13 ? 1 : -1)
    let axis = (given < 0 ? given &+ rank : given) &- 1
    guard arrangement.axes.indices.contains(axis), arrangement.isOfChannels(axis: axis),
      // Before set 13 the dimensions after it belong to it.
      model.opset >= 13 || arrangement.sizes[(axis + 1)...].allSatisfy({ $0 == 1 })
    else { throw fault(node, "axis \(given), not that of the classes or channels") }
    guard node.operation == "Softmax" else {
      guard arrangement.sizes[axis] == shapes[input].elementCount else {
        throw fault(node, "axis \(given), not that of the classes")
      }
      return .logarithms(input)
    }
    return try softmax(input, arrangement, axis: axis, node)
  }
}
