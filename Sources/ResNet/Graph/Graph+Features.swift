/// Reason why a network has no features.
package enum FeatureFault: Error, Hashable, CustomStringConvertible {
  /// Something other than a linear layer computes the outputs.
  case noLinearLayer(node: String)
  /// The last linear layer reads the image itself.
  case noLayerBefore(node: String)
  case tooMany(count: Int)

  package var description: String {
    switch self {
    case .noLinearLayer(let node):
      "the model has no features: its outputs come from \(node.prefix(Self.nameLimit)), not from one "
        + "linear layer whose input they would be"
    case .noLayerBefore(let node):
      "the model has no features: its only layer, \(node.prefix(Self.nameLimit)), reads the image"
    case .tooMany(let count):
      "the model has \(count) features for an image, at most \(Graph.featureCountLimit) are given"
    }
  }

  /// Characters of a node's name that are shown.
  private static let nameLimit = 80
}

extension Graph {
  /// Features of one image.
  package static let featureCountLimit = 1 << 16

  /// Finds the node that computes an image's features: the input of the last linear layer, which is
  /// what global pooling gives in a residual network.
  ///
  /// A 1x1 convolution of a single pixel is a linear layer too. In a head of several layers the last
  /// one counts, as for timm's `pre_logits`; after it there may be functions of its result, but no
  /// second branch.
  package func featureNode() throws(FeatureFault) -> NodeID {
    let head = try headNode()
    let id = nodes[head].inputs[0]
    guard id > 0 else { throw .noLayerBefore(node: nodes[head].name) }
    let count = (try? shapes()[id].elementCount) ?? 0
    guard count <= Self.featureCountLimit else { throw .tooMany(count: count) }
    return id
  }

  /// Returns the network with another head: one linear layer with a bias, by the last one's name,
  /// on the same features. Whatever followed the old one goes.
  ///
  /// - Returns: The graph, and the name of its last layer.
  package func withHead(outputs count: Int) throws(FeatureFault) -> (graph: Graph, layer: String) {
    let (feature, head) = (try featureNode(), try headNode())
    var graph = self
    graph.nodes.removeSubrange(head...)
    graph.append(
      Node(name: nodes[head].name, operation: .linear(Linear(outputs: count)), inputs: [feature]))
    return (graph, nodes[head].name)
  }

  /// Returns the network with a head of two linear layers with biases and a rectifier between, on the
  /// same features: the last one's name with the numbers 0, 1 and 2, as those of `nn.Sequential`.
  ///
  /// - Returns: The graph, and the names of its linear layers.
  package func withHead(
    hidden: Int, outputs count: Int
  ) throws(FeatureFault) -> (graph: Graph, hidden: String, layer: String) {
    let (feature, head) = (try featureNode(), try headNode())
    let name = nodes[head].name
    var graph = self
    graph.nodes.removeSubrange(head...)
    let layer = graph.append("\(name).0", .linear(Linear(outputs: hidden)), feature)
    let rectified = graph.append("\(name).1", .relu, layer)
    graph.append("\(name).2", .linear(Linear(outputs: count)), rectified)
    return (graph, "\(name).0", "\(name).2")
  }

  /// Finds the last linear layer.
  func headNode() throws(FeatureFault) -> NodeID {
    guard let shapes = try? shapes() else { throw .noLinearLayer(node: nodes[output].name) }
    var id = output
    while true {
      let node = nodes[id]
      switch node.operation {
      case .linear: return id
      case .convolution where shapes[node.inputs[0]].pixelCount == 1 && node.inputs.count == 1:
        return id
      case .relu, .elementwise, .batchNormalization, .normalization, .softmax: id = node.inputs[0]
      default: throw .noLinearLayer(node: node.name)
      }
    }
  }
}
