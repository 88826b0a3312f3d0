import ResNet

/// Boundary up to which a batch runs image by image.
///
/// Early layers have few weights and large activations, which stay in the cache for one image but
/// not for several; late layers have large weights, which are read once for all images of a batch.
enum SectionBoundary {
  /// Bytes of one image's activations beyond which a layer is an early one.
  static let activationByteLimit = 1 << 20
  /// The same of a layer whose weights take less than half as much.
  static let lightActivationByteLimit = 1 << 18

  /// Finds the node after the last early layer whose output alone is read by later nodes; nil if
  /// there is none.
  static func node(in graph: Graph, _ shapes: [FeatureShape]) -> Graph.NodeID? {
    let nodes = graph.nodes
    let lastReaders = graph.lastReaders()
    guard let lastEarly = nodes.indices.last(where: { isEarly($0, in: graph, shapes) }) else {
      return nil
    }
    return nodes.indices.dropFirst().first { id in
      id >= lastEarly && id < graph.output
        && nodes.indices.prefix(id).allSatisfy { lastReaders[$0] <= id }
    }
  }

  private static func isEarly(
    _ id: Graph.NodeID, in graph: Graph, _ shapes: [FeatureShape]
  ) -> Bool {
    let byteCount = shapes[id].elementCount * MemoryLayout<Float>.stride
    if byteCount > activationByteLimit { return true }
    let node = graph.nodes[id]
    let weightCount: Int
    switch node.operation {
    case .convolution(let convolution):
      weightCount =
        convolution.outputChannels * shapes[node.inputs[0]].channels / convolution.groups
        * convolution.kernel.height * convolution.kernel.width
    case .maxPool, .averagePool: weightCount = 0
    default: return false
    }
    return byteCount > lightActivationByteLimit
      && byteCount > 2 * weightCount * MemoryLayout<Float>.stride
  }
}
