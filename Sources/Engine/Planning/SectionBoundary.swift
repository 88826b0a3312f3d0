import ResNet

/// Where a batch stops running image by image.
///
/// Early layers have few weights and large activations, which stay in the cache for one image and not for several; late
/// layers have large weights, which are read once for all images of a batch.
enum SectionBoundary {
  /// Activations of one image up to this size are taken as a batch.
  static let activationByteLimit = 1 << 20

  /// The last node before small activations whose output is all that later nodes read; nil where there is none.
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
