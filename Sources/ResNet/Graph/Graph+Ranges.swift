extension Graph {
  /// Tells for each node whether no number of its output can be below zero.
  package func nonnegativeOutputs() -> [Bool] {
    var outputs: [Bool] = []
    outputs.reserveCapacity(nodes.count)
    for node in nodes {
      outputs.append(
        Self.isNonnegative(node.operation, inputs: node.inputs.map { outputs[$0] }))
    }
    return outputs
  }

  /// Tells whether no result of an operation can be below zero, given the same of its inputs.
  package static func isNonnegative(_ operation: Operation, inputs: [Bool]) -> Bool {
    switch operation {
    case .convolution(let convolution): convolution.appliesReLU
    case .relu: true
    case .elementwise(let function): function.isNonnegative
    case .maxPool, .averagePool, .pad, .globalAveragePool, .paddedShortcut, .resize,
      .depthToSpace, .border:
      inputs[0]
    case .combine(.maximum): inputs.contains(true)
    case .softmax: true
    case .combine(.divide), .combine(.minimum): inputs.allSatisfy(\.self)
    case .combine: false
    case .add, .multiply, .concatenation: inputs.allSatisfy(\.self)
    case .input, .linear, .batchNormalization, .normalization: false
    }
  }
}
