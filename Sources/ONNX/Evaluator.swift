/// Runs graphs on plain arrays, node by node: for shape arithmetic, for `resnetd run` and as a reference. What
/// serves is compiled instead.
package struct Evaluator: Sendable {
  typealias Operator = @Sendable (NodeCall) throws(ONNXError) -> [DenseTensor]

  let limits: ONNXLimits

  package init(limits: ONNXLimits = ONNXLimits()) { self.limits = limits }

  /// All operators by name; a family each.
  private static let operators: [String: Operator] =
    [
      arithmeticOperators, activationOperators, convolutionOperators, poolingOperators,
      normalizationOperators, matrixOperators, shapeOperators, selectionOperators,
      constantOperators, quantizationOperators,
    ].reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }

  package static func knows(_ node: ONNXNode) -> Bool {
    node.domain.isEmpty && operators[node.operation] != nil
  }

  /// Runs one node.
  ///
  /// - Parameter inputs: By the node's order; nil for what is left out.
  /// - Returns: At least as many tensors as the node has outputs.
  package func evaluate(
    _ node: ONNXNode, inputs: [DenseTensor?], opset: Int64
  ) throws(ONNXError) -> [DenseTensor] {
    try evaluate(node, inputs: inputs, opset: opset, budget: WorkBudget(limits))
  }

  private func evaluate(
    _ node: ONNXNode, inputs: [DenseTensor?], opset: Int64, budget: WorkBudget
  ) throws(ONNXError) -> [DenseTensor] {
    guard Self.knows(node), let body = Self.operators[node.operation] else {
      throw .missingOperator(operation: node.operation, domain: node.domain, node: node.name)
    }
    let call = NodeCall(node: node, opset: opset, inputs: inputs, budget: budget)
    let results = try body(call)
    guard results.count >= node.outputs.count else {
      throw call.fault("\(node.outputs.count) outputs, \(results.count) are supported")
    }
    return results
  }

  /// Runs a graph once.
  ///
  /// - Parameters:
  ///   - inputs: One for each of the model's inputs, by name.
  ///   - wanted: Names of the graph's outputs; nil for all.
  ///   - external: The bytes of a tensor that lies outside the file.
  package func run(
    _ model: ONNXModel, inputs: [String: DenseTensor], wanted: Set<String>? = nil,
    external: (ONNXTensor) throws(ONNXError) -> [UInt8]
  ) throws(ONNXError) -> [String: DenseTensor] {
    for node in model.nodes where !Self.knows(node) {
      throw .missingOperator(operation: node.operation, domain: node.domain, node: node.name)
    }
    try model.check(inputs)
    let wanted = wanted ?? Set(model.outputs.map(\.name))
    let budget = WorkBudget(limits)
    var uses: [String: Int] = [:]
    for node in model.nodes { for name in node.inputs { uses[name, default: 0] += 1 } }
    for name in wanted { uses[name, default: 0] += 1 }

    var values: [String: DenseTensor] = [:]
    func keep(_ tensor: DenseTensor, as name: String) throws(ONNXError) {
      guard uses[name, default: 0] > 0 else { return }
      budget.liveElementCount += tensor.count
      guard budget.liveElementCount <= limits.liveElementCountLimit else {
        throw .overLimit(
          what: "elements of tensors in use", value: budget.liveElementCount,
          limit: limits.liveElementCountLimit)
      }
      values[name] = tensor
    }
    for (name, tensor) in inputs { try keep(tensor, as: name) }
    for (name, tensor) in model.initializers where uses[name, default: 0] > 0 {
      try keep(DenseTensor(tensor, limits: limits, external: external), as: name)
    }
    for node in model.nodes {
      let results = try evaluate(
        node, inputs: node.inputs.map { $0.isEmpty ? nil : values[$0] }, opset: model.opset,
        budget: budget)
      for (name, tensor) in zip(node.outputs, results) where !name.isEmpty {
        try keep(tensor, as: name)
      }
      for name in node.inputs where !name.isEmpty {
        uses[name, default: 0] -= 1
        // What nobody reads any more makes room.
        if uses[name] == 0, let tensor = values.removeValue(forKey: name) {
          budget.liveElementCount -= tensor.count
        }
      }
    }
    return values.filter { wanted.contains($0.key) }
  }
}

extension DenseTensor {
  /// The numbers of a file's tensor.
  package init(
    _ tensor: ONNXTensor, limits: ONNXLimits,
    external: (ONNXTensor) throws(ONNXError) -> [UInt8]
  ) throws(ONNXError) {
    let limit = limits.elementCountLimit
    guard let count = ONNXTensor.elementCount(tensor.shape, limit: limit) else {
      throw .tensor(
        name: tensor.name, reason: "shape \(tensor.shape), at most \(limit) elements are allowed")
    }
    let bytes: [UInt8]
    switch tensor.storage {
    case .bytes(let stored): bytes = stored
    case .external: bytes = try external(tensor)
    case .strings: throw .tensor(name: tensor.name, reason: "texts are not supported")
    }
    guard bytes.count == count * tensor.elementType.byteCount else {
      throw .tensor(
        name: tensor.name,
        reason: "\(bytes.count) bytes, its shape asks for \(count * tensor.elementType.byteCount)")
    }
    self.init(tensor.elementType, tensor.shape, bytes: bytes)
  }
}

extension ONNXModel {
  /// All inputs are there, no other, and each is as declared; a named dimension may be anything, and so may the
  /// shape of an input that no node reads: some of ONNX's own cases rely on it.
  package func check(_ given: [String: DenseTensor]) throws(ONNXError) {
    let read = Set(nodes.flatMap(\.inputs)).union(outputs.map(\.name))
    for input in inputs {
      guard let tensor = given[input.name] else {
        throw .input(
          name: input.name,
          reason: "is missing; the graph takes \(input.elementType.map { "\($0) " } ?? "")"
            + input.shapeText)
      }
      if let elementType = input.elementType, elementType != tensor.elementType {
        throw .input(
          name: input.name,
          reason: "is of type \(tensor.elementType), the graph takes \(elementType)")
      }
      guard let shape = input.shape, read.contains(input.name) else { continue }
      let fits =
        shape.count == tensor.rank
        && zip(shape, tensor.shape).allSatisfy { declared, actual in (declared ?? actual) == actual
        }
      guard fits else {
        throw .input(
          name: input.name, reason: "has shape \(tensor.shape), the graph takes \(input.shapeText)")
      }
    }
    let known = Set(inputs.map(\.name))
    for name in given.keys.sorted() where !known.contains(name) {
      throw .input(name: name, reason: "the graph has no such input")
    }
  }
}
