import Numbers

extension Weights {
  /// Makes up parameters with non-trivial running statistics that keep activations in the same
  /// order of magnitude at any depth; for measurements, and for comparison with other programs.
  ///
  /// Weights of convolutions and linear layers are uniform, or as unequal as those of trained
  /// networks, which are nearly normal: the speed of some kernels depends on that. Their variance is
  /// He et al.'s, 2 / fan-in. Scales of normalisations that end a residual branch are small, so that
  /// 600 blocks do not overflow.
  package static func random(
    for graph: Graph, isNormal: Bool = false
  ) throws(GraphError) -> Weights {
    let branchEnds = graph.residualBranchEnds
    var weights = Weights()
    for (name, shape) in try graph.parameterShapes() {
      let count = shape.reduce(1, *)
      let numbers = ReproducibleNumbers(name)
      let range: (low: Float, high: Float)
      if shape.count > 1 {
        let fanIn = Double(shape.dropFirst().reduce(1, *))
        if isNormal {
          let deviation = Float((2 / fanIn).squareRoot())
          weights[name] = Tensor(
            shape: shape, storage: numbers.normal(count: count, deviation: deviation))
          continue
        }
        let bound = Float((6 / fanIn).squareRoot())
        range = (-bound, bound)
      } else if name.hasSuffix(".running_var") {
        range = (0.5, 1.5)
      } else if name.hasSuffix(".weight") {
        range = branchEnds.contains(String(name.dropLast(".weight".count))) ? (0.1, 0.3) : (0.5, 1)
      } else {
        range = (-0.2, 0.2)
      }
      weights[name] = Tensor(
        shape: shape,
        storage: numbers.values(count: count, from: range.low, to: range.high))
    }
    return weights
  }
}

extension Graph {
  /// Names of the normalisations whose output goes straight into a sum.
  fileprivate var residualBranchEnds: Set<String> {
    var names: Set<String> = []
    for node in nodes where node.operation == .add {
      for input in node.inputs {
        if case .batchNormalization = nodes[input].operation { names.insert(nodes[input].name) }
      }
    }
    return names
  }
}
