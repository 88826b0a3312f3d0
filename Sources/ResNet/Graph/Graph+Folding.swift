extension Graph {
  /// Counts the nodes that read each node's output; the graph's own output counts as one reader, and
  /// so does each of those that somebody else reads, by their result's names.
  package func readerCounts(keeping kept: Set<String> = []) -> [Int] {
    var counts = [Int](repeating: 0, count: nodes.count)
    for input in nodes.lazy.flatMap(\.inputs) { counts[input] += 1 }
    counts[output] += 1
    if !kept.isEmpty {
      for id in nodes.indices where kept.contains(nodes[id].resultName) { counts[id] += 1 }
    }
    return counts
  }

  /// Finds for each node the last one that reads its output, or itself if none does.
  package func lastReaders() -> [NodeID] {
    var readers = Array(nodes.indices)
    for (id, node) in nodes.enumerated() {
      for input in node.inputs { readers[input] = id }
    }
    return readers
  }

  /// Folds each batch normalisation that alone reads a convolution into that convolution.
  ///
  /// Running statistics make it a scale and shift per channel, which `FoldedParameters` merges into
  /// weights and bias. The results named in `kept` are still computed.
  package func foldingBatchNormalization(keeping kept: Set<String> = []) -> Graph {
    let readers = readerCounts(keeping: kept)
    var rewriter = GraphRewriter(self)
    for (id, node) in nodes.enumerated().dropFirst() {
      guard case .batchNormalization(let parameters) = node.operation,
        readers[node.inputs[0]] == 1,
        var convolution = rewriter.convolution(at: node.inputs[0]),
        convolution.foldedNormalization == nil, !convolution.hasFusedOperations
      else {
        rewriter.copy(id)
        continue
      }
      convolution.foldedNormalization = FoldedNormalization(name: node.name, parameters: parameters)
      rewriter.replace(id, byConvolutionAt: node.inputs[0], convolution)
    }
    return rewriter.result
  }

  /// Fuses sums, rectifications and clips into the convolution before them, if nothing else reads it.
  ///
  /// A sum is fused into its latest operand that is such a convolution, or one that is clipped, which
  /// then runs in place of the sum. The results named in `kept` are still computed.
  package func fusingActivations(keeping kept: Set<String> = []) -> Graph {
    let readers = readerCounts(keeping: kept)
    let hosts = residualHosts(readers)
    let deferred = Set(hosts.values.flatMap { [$0.operand, $0.convolution] })
    var rewriter = GraphRewriter(self)
    for (id, node) in nodes.enumerated().dropFirst() where !deferred.contains(id) {
      if let host = hosts[id],
        case .convolution(var convolution) = nodes[host.convolution].operation
      {
        convolution.bounds = nodes[host.operand].operation.clippingBounds
        convolution.addsResidual = true
        let residual = node.inputs[0] == host.operand ? node.inputs[1] : node.inputs[0]
        var sum = Node(
          name: nodes[host.convolution].name, operation: .convolution(convolution),
          inputs: [nodes[host.convolution].inputs[0], residual])
        sum.resultName = node.resultName
        rewriter.append(sum, for: id)
      } else if let bounds = node.operation.clippingBounds, readers[node.inputs[0]] == 1,
        var convolution = rewriter.convolution(at: node.inputs[0])
      {
        convolution.clip(to: bounds)
        rewriter.replace(id, byConvolutionAt: node.inputs[0], convolution)
      } else {
        rewriter.copy(id)
      }
    }
    return rewriter.result
  }

  /// Operand of a sum that is fused into the convolution that computes it, before a clip or not.
  private struct ResidualHost {
    var operand: NodeID
    var convolution: NodeID
  }

  /// Finds, for each sum that can be fused, the convolution that it is fused into.
  private func residualHosts(_ readers: [Int]) -> [NodeID: ResidualHost] {
    var hosts: [NodeID: ResidualHost] = [:]
    for (id, node) in nodes.enumerated() where node.operation == .add {
      hosts[id] = node.inputs.sorted(by: >).lazy.compactMap { residualHost($0, readers) }.first
    }
    return hosts
  }

  private func residualHost(_ operand: NodeID, _ readers: [Int]) -> ResidualHost? {
    guard readers[operand] == 1 else { return nil }
    var id = operand
    if case .elementwise(.clip) = nodes[operand].operation {
      id = nodes[operand].inputs[0]
      guard readers[id] == 1 else { return nil }
    }
    guard case .convolution(let convolution) = nodes[id].operation,
      !convolution.hasFusedOperations
    else { return nil }
    return ResidualHost(operand: operand, convolution: id)
  }
}

/// Copies a graph node by node and keeps track of which new node stands for which old one.
private struct GraphRewriter {
  private let source: Graph
  private(set) var result: Graph
  private var newIDs: [Graph.NodeID?]

  init(_ source: Graph) {
    self.source = source
    guard case .input(let shape) = source.nodes[0].operation else {
      preconditionFailure("a graph must start with its input")
    }
    result = Graph(input: shape)
    newIDs = [0] + Array(repeating: nil, count: source.nodes.count - 1)
  }

  mutating func copy(_ id: Graph.NodeID) { append(source.nodes[id], for: id) }

  mutating func append(_ node: Graph.Node, for id: Graph.NodeID) {
    var node = node
    node.inputs = node.inputs.map { newID($0) }
    newIDs[id] = result.append(node)
  }

  /// Returns the convolution that stands for an old node, if one does.
  func convolution(at id: Graph.NodeID) -> Convolution? {
    guard case .convolution(let convolution) = result.nodes[newID(id)].operation else {
      return nil
    }
    return convolution
  }

  /// Makes the convolution that stands for `other` stand for `id` as well, with new attributes.
  mutating func replace(
    _ id: Graph.NodeID, byConvolutionAt other: Graph.NodeID, _ convolution: Convolution
  ) {
    let new = newID(other)
    result.nodes[new].operation = .convolution(convolution)
    result.nodes[new].resultName = source.nodes[id].resultName
    newIDs[id] = new
  }

  private func newID(_ id: Graph.NodeID) -> Graph.NodeID {
    guard let new = newIDs[id] else {
      preconditionFailure("inputs must come before the node that reads them")
    }
    return new
  }
}
