import Glibc
import Numbers

extension Weights {
  /// Makes the parameters that training begins with.
  ///
  /// Convolutions are normal with the variance 2 / fan-out of He et al. 2015 (Delving Deep into
  /// Rectifiers, equation 14), as torchvision's networks are. Linear layers are uniform within
  /// 1 / √inputs, PyTorch's default. Normalisations change nothing but for those at the end of a
  /// residual branch, whose scale is 0: each block begins as its shortcut (Goyal et al. 2017,
  /// section 5.1). A normalisation in the shortcut itself keeps the scale 1, and so does one at the
  /// end of a branch whose shortcut has channels of zeros: their sum would be 0 everywhere, where
  /// ReLU has no gradient, and they would stay so for ever.
  package static func initial(for graph: Graph, seed: UInt64) throws(GraphError) -> Weights {
    let branchEnds = graph.lastNormalizations
    let linear = Set(
      graph.nodes.filter { if case .linear = $0.operation { true } else { false } }.map(\.name))
    var weights = Weights()
    for (name, shape) in try graph.parameterShapes() {
      let count = shape.reduce(1, *)
      let layer = name.split(separator: ".").dropLast().joined(separator: ".")
      let numbers = ReproducibleNumbers("initial \(seed) \(name)")
      let values: [Float]
      if linear.contains(layer) {
        let inputs = try graph.parameterShapes()[layer + ".weight"]?.dropFirst().reduce(1, *) ?? 1
        let bound = 1 / Float(inputs).squareRoot()
        values = numbers.values(count: count, from: -bound, to: bound)
      } else if shape.count > 1 {
        let fanOut = shape[0] * shape.dropFirst(2).reduce(1, *)
        values = numbers.normal(count: count, deviation: (2 / Float(fanOut)).squareRoot())
      } else if name.hasSuffix(".running_var")
        || (name.hasSuffix(".weight") && !branchEnds.contains(layer))
      {
        values = [Float](repeating: 1, count: count)
      } else {
        values = [Float](repeating: 0, count: count)
      }
      weights[name] = Tensor(shape: shape, storage: values)
    }
    return weights
  }
}

extension ReproducibleNumbers {
  /// Returns numbers of a normal distribution around 0 (Box and Muller 1958).
  func normal(count: Int, deviation: Float) -> [Float] {
    (0..<count).map { index in
      // Of two numbers above 0, one for the distance and one for the direction.
      let distance = (-2 * log(1 - fraction(2 * index))).squareRoot()
      return deviation * distance * cos(2 * .pi * fraction(2 * index + 1))
    }
  }
}

extension Graph {
  /// Names of the last normalisations of residual branches: of a block whose shortcut has one too,
  /// that of the longer way. Those beside a shortcut of option A are left out.
  fileprivate var lastNormalizations: Set<String> {
    var names: Set<String> = []
    for node in nodes where node.operation == .add && !node.inputs.contains(where: addsZeros) {
      let ends = node.inputs.filter {
        if case .batchNormalization = nodes[$0].operation { true } else { false }
      }
      let longest = ends.max { depth(of: $0) < depth(of: $1) }
      if let longest { names.insert(nodes[longest].name) }
    }
    return names
  }

  /// Returns whether a node is a shortcut with channels of zeros.
  private func addsZeros(_ id: NodeID) -> Bool {
    if case .paddedShortcut = nodes[id].operation { true } else { false }
  }

  /// Number of operations before a node up to the last one that two others read.
  private func depth(of id: NodeID) -> Int {
    var (depth, id) = (0, id)
    while let input = nodes[id].inputs.first, nodes[id].inputs.count == 1 {
      let readerCount = nodes.count { $0.inputs.contains(input) }
      depth += 1
      guard readerCount == 1 else { return depth }
      id = input
    }
    return depth
  }
}
