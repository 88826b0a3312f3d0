package import Engine
package import ResNet

/// Bytes that a model will take when it is compiled, with a context for each worker and one more for its check.
package struct MemoryEstimate {
  /// Copies of a layer's weights while it is packed: folded, laid out plainly, packed.
  private static let copiesWhilePacking = 3

  package let byteCount: Int

  /// By the network's shapes; what is known of a live model with the same network counts instead.
  package init(_ graph: Graph, precision: Precision, plan: CPUPlan, live: LiveModel?)
    throws(GraphError)
  {
    let largestLayer = try graph.parameterShapes().values.map { $0.reduce(1, *) }.max() ?? 0
    let packing = largestLayer * MemoryLayout<Float>.stride * Self.copiesWhilePacking
    let contextCount = plan.workers + 1
    if let live, live.graph == graph, live.precision == precision, live.plan == plan {
      let network = live.network
      let context = network.contextByteCount + network.inputByteCount * network.largestBatch
      byteCount = network.weightByteCount + packing + context * contextCount
      return
    }
    let estimate = try CompilationEstimate(
      graph, precision: precision, batchSizes: plan.batchSizes, hasTeam: plan.threads > 1)
    byteCount =
      estimate.weightByteCount + packing + estimate.stepByteCount
      + estimate.contextByteCount * contextCount
  }
}
