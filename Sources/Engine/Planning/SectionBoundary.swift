import ResNet

/// Boundary up to which a batch runs image by image.
///
/// Early layers have few weights and large activations, which stay in the cache for one image but
/// not for several; late layers have large weights, which are read once for all images of a batch.
enum SectionBoundary {
  /// Bytes of one image's activations up to which a batch runs at once.
  static let activationByteLimit = 1 << 20

  /// Finds the last node before small activations whose output alone is read by later nodes; nil if
  /// there is none.
  static func node(in graph: Graph, _ shapes: [FeatureShape]) -> Graph.NodeID? {
    let nodes = graph.nodes
    let sizes = shapes.map { $0.elementCount * MemoryLayout<Float>.stride }
    let lastReaders = graph.lastReaders()
    guard let lastLarge = sizes.lastIndex(where: { $0 > activationByteLimit }) else { return nil }
    return nodes.indices.dropFirst().first { id in
      id >= lastLarge && id < graph.output
        && nodes.indices.prefix(id).allSatisfy { lastReaders[$0] <= id }
    }
  }
}
