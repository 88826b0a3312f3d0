import ResNet

/// Graph in terms of the primitives: normalisation folded, activations fused, and operations
/// without a primitive of their own expressed as convolutions with constant weights.
struct LoweredGraph {
  private(set) var graph: Graph
  private(set) var shapes: [FeatureShape]
  /// Weights of the file, and the constants of convolutions that were made here.
  private var weights: Weights

  /// Nodes that compute the outputs of `taps`, in their order.
  private(set) var taps: [Graph.NodeID] = []
  /// With taps, the nodes of the graph that there would be without, by their results' names.
  private var mergedNodes: [String: Graph.Node] = [:]

  /// - Parameters:
  ///   - taps: Names of the source's nodes whose outputs are to be computed, whatever could be merged
  ///     otherwise.
  ///   - calibration: Ranges, if the graph is to run on integers.
  init(
    _ source: Graph, _ weights: Weights, taps: [String] = [], calibration: Calibration? = nil
  ) throws(EngineError) {
    self.weights = weights
    do throws(GraphError) {
      try source.validate(weights)
      let source = calibration.map { source.leavingInputBounds(to: $0, keeping: taps) } ?? source
      graph = source.foldingBatchNormalization(keeping: Set(taps))
      shapes = try graph.shapes()
      expressAsConvolutions()
      graph = graph.fusingActivations(keeping: Set(taps))
      shapes = try graph.shapes()
    } catch {
      throw .graph(error)
    }
    self.taps = taps.map { tap in
      guard let id = graph.nodes.dropFirst().firstIndex(where: { $0.resultName == tap }) else {
        preconditionFailure("taps must be nodes of the graph other than its input")
      }
      return id
    }
    if !taps.isEmpty {
      let merged = try LoweredGraph(source, weights, calibration: calibration).graph.nodes
      mergedNodes = Dictionary(merged.map { ($0.resultName, $0) }) { first, _ in first }
    }
  }

  /// Returns the node whose range a calibration has for a node's output; nil for an output that only
  /// taps keep from being merged.
  func calibratedNode(_ id: Graph.NodeID) -> Graph.Node? {
    let node = graph.nodes[id]
    return taps.isEmpty ? node : mergedNodes[node.resultName]
  }

  private mutating func expressAsConvolutions() {
    var result = Graph(input: shapes[0])
    for node in graph.nodes.dropFirst() {
      let input = shapes[node.inputs[0]]
      switch node.operation {
      case .paddedShortcut(let shortcut): result.append(selection(node, shortcut, of: input))
      case .pad(let padding): result.append(pad(node, padding, of: input))
      case .batchNormalization(let normalization):
        result.append(scale(node, normalization, of: input))
      default: result.append(node)
      }
    }
    graph = result
  }

  /// Expresses option A's shortcut as a 1x1 convolution of zeros and ones, which is exact.
  private mutating func selection(
    _ node: Graph.Node, _ shortcut: PaddedShortcut, of input: FeatureShape
  ) -> Graph.Node {
    var convolution = Convolution(outputChannels: shortcut.channels, kernel: Extent(1))
    convolution.stride = Extent(shortcut.stride)
    var weight = [Float](repeating: 0, count: shortcut.channels * input.channels)
    for channel in 0..<input.channels {
      weight[(shortcut.leadingZeroChannels + channel) * input.channels + channel] = 1
    }
    weights["\(node.name).weight"] = Tensor(
      shape: [shortcut.channels, input.channels, 1, 1], storage: weight)
    return Graph.Node(name: node.name, operation: .convolution(convolution), inputs: node.inputs)
  }

  /// Expresses a normalisation that could not be folded as a 1x1 convolution of each channel by
  /// itself.
  private mutating func scale(
    _ node: Graph.Node, _ normalization: BatchNormalization, of input: FeatureShape
  ) -> Graph.Node {
    var convolution = Convolution(outputChannels: input.channels, kernel: Extent(1))
    convolution.groups = input.channels
    convolution.foldedNormalization = FoldedNormalization(
      name: node.name, parameters: normalization)
    let name = "\(node.name).scale"
    weights["\(name).weight"] = Tensor(
      shape: [input.channels, 1, 1, 1], storage: [Float](repeating: 1, count: input.channels))
    var scale = Graph.Node(name: name, operation: .convolution(convolution), inputs: node.inputs)
    scale.resultName = node.resultName
    return scale
  }

  /// Expresses zeros around a feature map as a 1x1 convolution of each channel by itself, which is
  /// exact.
  private mutating func pad(
    _ node: Graph.Node, _ padding: Padding, of input: FeatureShape
  ) -> Graph.Node {
    var convolution = Convolution(outputChannels: input.channels, kernel: Extent(1))
    convolution.groups = input.channels
    convolution.padding = padding
    weights["\(node.name).weight"] = Tensor(
      shape: [input.channels, 1, 1, 1], storage: [Float](repeating: 1, count: input.channels))
    return Graph.Node(name: node.name, operation: .convolution(convolution), inputs: node.inputs)
  }

  /// Makes a convolution's parameters with everything that was folded into it; they are not kept.
  func parameters(
    of node: Graph.Node, _ convolution: Convolution
  ) throws(EngineError) -> LayerParameters {
    let folded: FoldedParameters
    do throws(GraphError) {
      folded = try FoldedParameters(convolution, named: node.name, weights: weights)
    } catch {
      throw .graph(error)
    }
    let groups = convolution.groups
    let perGroup = [
      convolution.outputChannels / groups, shapes[node.inputs[0]].channels / groups,
      convolution.kernel.height, convolution.kernel.width,
    ]
    return LayerParameters(
      weight: folded.weight, shape: groups > 1 ? [groups] + perGroup : perGroup, bias: folded.bias)
  }

  /// Returns a linear layer's parameters, its weights seen as a convolution over the whole input.
  func parameters(
    of node: Graph.Node, _ linear: Linear
  ) throws(EngineError) -> LayerParameters {
    let input = shapes[node.inputs[0]]
    guard let weight = weights["\(node.name).weight"] else {
      throw .graph(.missingParameter("\(node.name).weight"))
    }
    return LayerParameters(
      weight: weight.values, shape: [linear.outputs, input.channels, input.height, input.width],
      bias: linear.hasBias ? weights["\(node.name).bias"]?.values : nil)
  }
}

/// Parameters of a layer before packing, row-major.
package struct LayerParameters {
  package var weight: [Float]
  /// Dimensions as the primitive has them: `[K, C, H, W]` or `[G, K/G, C/G, H, W]`.
  package var shape: [Int]
  package var bias: [Float]?

  package init(weight: [Float], shape: [Int], bias: [Float]?) {
    self.weight = weight
    self.shape = shape
    self.bias = bias
  }
}
