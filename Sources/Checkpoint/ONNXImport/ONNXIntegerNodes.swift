import ONNX

/// Operators that compute on integers themselves (`QuantFormat.QOperator` of ONNX Runtime's
/// quantiser), written as the same operators on numbers between pairs of DequantizeLinear and
/// QuantizeLinear.
struct ONNXIntegerNodes {
  /// Names of the tensors that a tensor's integers are described by.
  private struct Meaning {
    var scale: String
    var zero: String
  }

  /// Operators that leave integers as they are.
  private static let movers: Set<String> = [
    "Flatten", "Identity", "MaxPool", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze",
  ]

  private(set) var nodes: [ONNXNode] = []
  private var meanings: [String: Meaning] = [:]

  init(_ source: [ONNXNode]) {
    for node in source { append(node) }
  }

  private mutating func append(_ node: ONNXNode) {
    let isOwn = node.domain.isEmpty
    let isForeign = node.domain == "com.microsoft"
    switch node.operation {
    case "QLinearConv" where isOwn: appendLayer(node, "Conv", axis: 0)
    case "QLinearMatMul" where isOwn: appendLayer(node, "MatMul", axis: 1)
    case "QGemm" where isForeign: appendGemm(node)
    case "QLinearAdd" where isForeign: appendPair(node, "Add")
    case "QLinearMul" where isForeign: appendPair(node, "Mul")
    case "QLinearGlobalAveragePool" where isForeign: appendSingle(node, "GlobalAveragePool")
    case "QLinearAveragePool" where isForeign: appendSingle(node, "AveragePool")
    case "QLinearSigmoid" where isForeign: appendSingle(node, "Sigmoid")
    case "QLinearLeakyRelu" where isForeign: appendSingle(node, "LeakyRelu")
    case "QLinearConcat" where isForeign: appendConcatenation(node)
    case "QuantizeLinear":
      note(node.outputs, scale: 1, zero: 2, of: node)
      nodes.append(node)
    case _ where isOwn && Self.movers.contains(node.operation): appendMover(node)
    default: nodes.append(node)
    }
  }

  // MARK: - Operators

  /// Convolutions and products: input, weights and result with their scales and zero points, and a
  /// bias in units of the product of the first two.
  private mutating func appendLayer(_ node: ONNXNode, _ operation: String, axis: Int64) {
    guard node.inputs.count >= 8 else { return nodes.append(node) }
    var inputs = [
      number(of: node, 0), number(of: node, 3, axis: axis),
    ]
    if node.inputs.count > 8, !node.inputs[8].isEmpty {
      inputs.append(bias(of: node, 8))
    }
    finish(node, operation, inputs, node.attributes, scale: 6, zero: 7)
  }

  private mutating func appendGemm(_ node: ONNXNode) {
    let isPlain = node.attributes["alpha"] ?? .number(1) == .number(1)
    guard node.inputs.count >= 6, isPlain else { return nodes.append(node) }
    let isTransposed = node.attributes["transB"] == .integer(1)
    var inputs = [number(of: node, 0), number(of: node, 3, axis: isTransposed ? 0 : 1)]
    if node.inputs.count > 6, !node.inputs[6].isEmpty { inputs.append(bias(of: node, 6)) }
    // Without a scale the result is not quantised.
    finish(node, "Gemm", inputs, node.attributes, scale: 7, zero: 8)
  }

  private mutating func appendPair(_ node: ONNXNode, _ operation: String) {
    guard node.inputs.count >= 7 else { return nodes.append(node) }
    finish(node, operation, [number(of: node, 0), number(of: node, 3)], [:], scale: 6, zero: 7)
  }

  private mutating func appendSingle(_ node: ONNXNode, _ operation: String) {
    guard node.inputs.count >= 4, node.attributes["channels_last"] ?? .integer(0) == .integer(0)
    else { return nodes.append(node) }
    var attributes = node.attributes
    attributes["channels_last"] = nil
    finish(node, operation, [number(of: node, 0)], attributes, scale: 3, zero: 4)
  }

  private mutating func appendConcatenation(_ node: ONNXNode) {
    guard node.inputs.count >= 5, (node.inputs.count - 2).isMultiple(of: 3) else {
      return nodes.append(node)
    }
    let inputs = stride(from: 2, to: node.inputs.count, by: 3).map { index in
      number(of: node, index)
    }
    finish(node, "Concat", inputs, node.attributes, scale: 0, zero: 1)
  }

  /// An operator that takes integers without a word of what they mean.
  private mutating func appendMover(_ node: ONNXNode) {
    guard let input = node.inputs.first, let meaning = meanings[input],
      let output = node.outputs.first
    else { return nodes.append(node) }
    let read = "#\(output).0"
    add("DequantizeLinear", node, [input, meaning.scale, meaning.zero], read)
    let result = "#\(output).result"
    nodes.append(
      ONNXNode(
        name: node.name, operation: node.operation, inputs: [read] + node.inputs.dropFirst(),
        outputs: [result], attributes: node.attributes))
    add("QuantizeLinear", node, [result, meaning.scale, meaning.zero], output)
    meanings[output] = meaning
  }

  // MARK: - Pieces

  private mutating func note(_ outputs: [String], scale: Int, zero: Int, of node: ONNXNode) {
    guard let output = outputs.first, scale < node.inputs.count else { return }
    meanings[output] = Meaning(
      scale: node.inputs[scale], zero: zero < node.inputs.count ? node.inputs[zero] : "")
  }

  /// Adds the numbers of an input that has scale and zero point after it, and returns their name.
  private mutating func number(of node: ONNXNode, _ index: Int, axis: Int64? = nil) -> String {
    let result = "#\(node.outputs.first ?? "").\(index)"
    add(
      "DequantizeLinear", node, Array(node.inputs[index..<min(index + 3, node.inputs.count)]),
      result,
      axis.map { ["axis": .integer($0)] } ?? [:])
    return result
  }

  /// Adds the numbers of a bias, whose scale is the product of those of inputs 0 and 3.
  private mutating func bias(of node: ONNXNode, _ index: Int) -> String {
    let result = "#\(node.outputs.first ?? "").\(index)"
    add("Mul", node, [node.inputs[1], node.inputs[4]], result + ".scale")
    add(
      "DequantizeLinear", node, [node.inputs[index], result + ".scale"], result,
      ["axis": .integer(0)])
    return result
  }

  /// Adds the operator on numbers, and the integers of its result if they have a scale.
  private mutating func finish(
    _ node: ONNXNode, _ operation: String, _ inputs: [String],
    _ attributes: [String: ONNXAttribute], scale: Int, zero: Int
  ) {
    let output = node.outputs.first ?? ""
    let isQuantized = scale < node.inputs.count && !node.inputs[scale].isEmpty
    let result = isQuantized ? "#\(output).result" : output
    nodes.append(
      ONNXNode(
        name: node.name, operation: operation, inputs: inputs, outputs: [result],
        attributes: attributes))
    guard isQuantized else { return }
    let own = [scale, zero].filter { $0 < node.inputs.count }.map { node.inputs[$0] }
    add("QuantizeLinear", node, [result] + own, output)
    note([output], scale: scale, zero: zero, of: node)
  }

  private mutating func add(
    _ operation: String, _ node: ONNXNode, _ inputs: [String], _ output: String,
    _ attributes: [String: ONNXAttribute] = [:]
  ) {
    nodes.append(
      ONNXNode(
        name: "\(node.name).\(operation)", operation: operation, inputs: inputs, outputs: [output],
        attributes: attributes))
  }
}
