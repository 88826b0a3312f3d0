extension Operation {
  /// Whether no result is below zero; `inputs` says of which inputs that is known.
  package func isNonnegative(_ inputs: [Bool]) -> Bool {
    switch self {
    case .convolution(let convolution): convolution.appliesReLU
    case .relu: true
    case .elementwise(let function): function.isNonnegative
    case .maxPool, .averagePool, .globalAveragePool, .add, .multiply: inputs.allSatisfy(\.self)
    default: false
    }
  }
}

extension Graph {
  /// By node, whether its output is never below zero.
  package func nonnegativeNodes() -> [Bool] {
    var known: [Bool] = []
    known.reserveCapacity(nodes.count)
    for node in nodes {
      known.append(node.operation.isNonnegative(node.inputs.map { known[$0] }))
    }
    return known
  }
}
