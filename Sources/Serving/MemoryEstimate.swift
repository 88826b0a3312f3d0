package import Engine
package import ResNet

/// Bytes that a model will take when it is compiled, with a context for each worker and one more for its check.
package struct MemoryEstimate {
  /// Numbers that a 3x3 filter may become for our own kernels, of its 9.
  private static let winogradGrowth = 4
  /// Features that stand side by side in an arena at most, each as large as the largest: a block's input, its shortcut,
  /// and source and destination of a convolution.
  private static let featuresAtOnce = 4
  /// Copies of a layer's weights while it is packed: folded, laid out plainly, packed.
  private static let copiesWhilePacking = 3
  /// Steps, primitives and scratch memory of one context.
  private static let contextByteCount = 1 << 20

  package let byteCount: Int

  /// By the network's shapes; what is known of a live model with the same network counts instead.
  package init(_ graph: Graph, precision: Precision, plan: CPUPlan, live: LiveModel?)
    throws(GraphError)
  {
    let shapes = try graph.parameterShapes().values
    let largestLayer = shapes.map { $0.reduce(1, *) }.max() ?? 0
    let packing = largestLayer * MemoryLayout<Float>.stride * Self.copiesWhilePacking
    let contextCount = plan.workers + 1
    if let live, live.graph == graph, live.precision == precision, live.plan == plan {
      let network = live.network
      let context = network.contextByteCount + network.inputByteCount * network.largestBatch
      byteCount = network.weightByteCount + packing + context * contextCount
      return
    }
    let weights = shapes.reduce(0) { $0 + Self.packedByteCount($1, precision) }
    let feature = try graph.shapes().map(\.elementCount).max() ?? 0
    let context =
      feature * MemoryLayout<Float>.stride * Self.featuresAtOnce * plan.maxBatch
      + Self.contextByteCount
    byteCount = weights + packing + context * contextCount
  }

  private static func packedByteCount(_ shape: [Int], _ precision: Precision) -> Int {
    let byteCount = shape.reduce(1, *) * MemoryLayout<Float>.stride
    let isFilter = shape.count == 4 && shape[2] == 3 && shape[3] == 3
    if isFilter, precision != .int8 { return byteCount * winogradGrowth }
    return precision == .fp32 ? byteCount : byteCount / 2
  }
}
