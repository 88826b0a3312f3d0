import ResNet

extension TrainingGraph {
  /// Lowers a graph, as it is before any pass over it.
  ///
  /// - Parameter frozen: Names of batch normalisations that use their running statistics.
  init(_ graph: Graph, frozen: Set<String> = []) throws(TrainingError) {
    let shapes: [FeatureShape]
    do throws(GraphError) { shapes = try graph.shapes() } catch { throw .graph(error) }
    var lowering = TrainingLowering(graph, shapes, frozen: frozen)
    try lowering.run()
    self.init(
      values: lowering.values, normalizations: lowering.normalizations, output: lowering.output)
  }
}

/// Walks a graph node by node and collects sums, normalisations and ReLUs until something reads
/// their result.
private struct TrainingLowering {
  typealias Term = TrainingGraph.Term
  typealias ValueID = TrainingGraph.ValueID

  /// Result of a node: a sum that is not a value yet.
  private struct Pending {
    var name: String
    var terms: [Term]
    var rectifies = false
  }

  private enum Result {
    case value(ValueID)
    case pending(Pending)
  }

  private let graph: Graph
  private let shapes: [FeatureShape]
  private let frozen: Set<String>
  private let readers: [Int]
  private var results: [Result] = []
  private(set) var values: [TrainingGraph.Value] = []
  private(set) var normalizations: [TrainingGraph.Normalization] = []
  private(set) var output: ValueID = 0

  init(_ graph: Graph, _ shapes: [FeatureShape], frozen: Set<String>) {
    self.graph = graph
    self.shapes = shapes
    self.frozen = frozen
    readers = graph.readerCounts()
  }

  mutating func run() throws(TrainingError) {
    for (id, node) in graph.nodes.enumerated() { results.append(try lower(node, id)) }
    output = value(of: graph.output)
    guard case .convolution = values[output].computation, values[output].shape.pixelCount == 1
    else {
      throw .untrainable(
        node: graph.nodes[graph.output].name,
        reason: "the network must end in a linear layer, whose outputs are the logits")
    }
  }

  private mutating func lower(_ node: Graph.Node, _ id: Graph.NodeID) throws(TrainingError)
    -> Result
  {
    switch node.operation {
    case .input: return append(node.name, shapes[id], .input)
    case .convolution(let convolution):
      guard convolution.foldedNormalization == nil, !convolution.hasFusedOperations else {
        throw .untrainable(
          node: node.name, reason: "normalisation or activation has been folded into it")
      }
      return append(convolution, node, id)
    case .linear(let linear):
      let input = shapes[node.inputs[0]]
      var convolution = Convolution(
        outputChannels: linear.outputs,
        kernel: Extent(height: input.height, width: input.width))
      convolution.hasBias = linear.hasBias
      return append(convolution, node, id)
    case .batchNormalization(let normalization): return append(normalization, node, id)
    case .relu:
      var pending = self.pending(node.inputs[0])
      pending.name = node.name
      pending.rectifies = true
      return .pending(pending)
    case .add:
      // Terms with a normalisation first.
      let terms = node.inputs.map { term(of: $0) }
      return .pending(
        Pending(
          name: node.name,
          terms: terms.filter { $0.normalization != nil }
            + terms.filter { $0.normalization == nil }))
    case .maxPool(let pooling), .averagePool(let pooling):
      let isMaximum = if case .maxPool = node.operation { true } else { false }
      return try append(pooling, isMaximum, node, id)
    case .globalAveragePool:
      let input = shapes[node.inputs[0]]
      let window = Extent(height: input.height, width: input.width)
      let pooling = Pooling(window: window, stride: Extent(1))
      return append(
        node.name, shapes[id], .average(pooling, source: value(of: node.inputs[0])))
    case .paddedShortcut(let shortcut):
      return append(node.name, shapes[id], .sampling(shortcut, source: value(of: node.inputs[0])))
    case .elementwise, .multiply, .combine, .pad, .border, .concatenation, .normalization,
      .softmax, .resize, .depthToSpace:
      throw .untrainable(
        node: node.name,
        reason: "convolutions, batch normalisation, ReLU, sums, pooling, padded shortcuts and "
          + "linear layers can be; freeze everything up to it and train what follows")
    }
  }

  private mutating func append(
    _ name: String, _ shape: FeatureShape, _ computation: TrainingGraph.Computation
  ) -> Result {
    values.append(TrainingGraph.Value(name: name, shape: shape, computation: computation))
    return .value(values.count - 1)
  }

  /// Appends a convolution. A strided one of single pixels first takes these, for oneDNN's own way
  /// of doing so is wrong for few channels.
  private mutating func append(
    _ convolution: Convolution, _ node: Graph.Node, _ id: Graph.NodeID
  ) -> Result {
    var convolution = convolution
    var source = value(of: node.inputs[0])
    let stride = convolution.stride
    if convolution.kernel == Extent(1), convolution.padding == Padding(0), stride != Extent(1),
      stride.height == stride.width
    {
      let channels = values[source].shape.channels
      let shape = FeatureShape(
        channels: channels, height: shapes[id].height, width: shapes[id].width)
      let sampling = PaddedShortcut(channels: channels, stride: stride.height)
      _ = append(node.name, shape, .sampling(sampling, source: source))
      source = values.count - 1
      convolution.stride = Extent(1)
    }
    return append(node.name, shapes[id], .convolution(convolution, source: source))
  }

  private mutating func append(
    _ pooling: Pooling, _ isMaximum: Bool, _ node: Graph.Node, _ id: Graph.NodeID
  ) throws(TrainingError) -> Result {
    let count = pooling.window.height * pooling.window.width
    guard !isMaximum || count <= Self.windowNumberLimit else {
      throw .untrainable(
        node: node.name,
        reason: "its window has \(count) numbers, at most \(Self.windowNumberLimit) are possible")
    }
    let source = value(of: node.inputs[0])
    return append(
      node.name, shapes[id],
      isMaximum ? .maximum(pooling, source: source) : .average(pooling, source: source))
  }

  private mutating func append(
    _ normalization: BatchNormalization, _ node: Graph.Node, _ id: Graph.NodeID
  ) -> Result {
    let source = value(of: node.inputs[0])
    normalizations.append(
      TrainingGraph.Normalization(
        name: node.name, epsilon: normalization.epsilon, channels: shapes[id].channels,
        value: source, sum: 0, isFrozen: frozen.contains(node.name)))
    let term = Term(value: source, normalization: normalizations.count - 1)
    return .pending(Pending(name: node.name, terms: [term]))
  }

  /// Returns a node's result as a sum that a ReLU can be part of.
  private mutating func pending(_ id: Graph.NodeID) -> Pending {
    if case .pending(let pending) = results[id], readers[id] == 1, !pending.rectifies {
      return pending
    }
    let value = value(of: id)
    return Pending(name: values[value].name, terms: [Term(value: value)])
  }

  /// Returns a node's result as a term of a sum.
  private mutating func term(of id: Graph.NodeID) -> Term {
    if case .pending(let pending) = results[id], readers[id] == 1, !pending.rectifies,
      pending.terms.count == 1
    {
      return pending.terms[0]
    }
    return Term(value: value(of: id))
  }

  /// Returns a node's result as a value.
  private mutating func value(of id: Graph.NodeID) -> ValueID {
    switch results[id] {
    case .value(let value): return value
    case .pending(let pending):
      let shape = values[pending.terms[0].value].shape
      values.append(
        TrainingGraph.Value(
          name: pending.name, shape: shape,
          computation: .sum(pending.terms, rectifies: pending.rectifies)))
      results[id] = .value(values.count - 1)
      return values.count - 1
    }
  }

  /// Numbers of a maximum's window.
  private static let windowNumberLimit = 255
}
