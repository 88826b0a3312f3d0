/// Evaluator that runs graphs on plain arrays, node by node: for shape arithmetic, for `resnetd
/// run` and as a reference. Models that serve are compiled instead.
package struct Evaluator: Sendable {
  typealias Operator = @Sendable (NodeCall) throws(ONNXError) -> [DenseTensor]

  let limits: ONNXLimits

  package init(limits: ONNXLimits = ONNXLimits()) { self.limits = limits }

  /// All operators by name, one family after the other.
  private static let operators: [String: Operator] =
    [
      arithmeticOperators, activationOperators, functionOperators, convolutionOperators,
      poolingOperators, reductionOperators, normalizationOperators, matrixOperators,
      shapeOperators, selectionOperators, resizeOperators, constantOperators,
      quantizationOperators, logicOperators,
    ].reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }

  package static func knows(_ node: ONNXNode) -> Bool {
    node.domain.isEmpty && operators[node.operation] != nil
  }

  /// Runs one node.
  ///
  /// - Parameter inputs: Inputs in the node's order; nil for one that is left out.
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
      throw call.fault("it has \(node.outputs.count) outputs, \(results.count) are supported")
    }
    return results
  }

  /// Runs a graph once.
  ///
  /// - Parameters:
  ///   - inputs: One tensor for each of the model's inputs, by name.
  ///   - wanted: Names of the graph's outputs to compute; nil for all.
  ///   - external: Returns the bytes of a tensor that lies outside the file.
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
        // A tensor that is not read again makes room.
        if uses[name] == 0, let tensor = values.removeValue(forKey: name) {
          budget.liveElementCount -= tensor.count
        }
      }
    }
    return values.filter { wanted.contains($0.key) }
  }
}
