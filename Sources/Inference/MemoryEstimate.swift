package import Engine
package import ResNet

/// Bytes that a model will take when it is compiled, with a context for each worker and one for its
/// check.
package struct MemoryEstimate {
  /// Copies of a layer's weights while it is packed: folded, laid out plainly, packed.
  private static let copiesWhilePacking = 3

  package let byteCount: Int

  /// Returns the bytes that a compiled model takes as long as it serves: weights, a context for
  /// each worker, primitives.
  package static func byteCount(of live: CompiledModel) -> Int {
    let network = live.network
    let contexts = (contextByteCount(of: network)) * live.plan.workers
    // It was compiled, so its shapes are right.
    let estimate = try? CompilationEstimate(
      live.graph, precision: live.precision, batchSizes: live.plan.batchSizes,
      hasTeam: live.plan.threads > 1)
    return network.weightByteCount + contexts + (estimate?.stepByteCount ?? 0)
      + ClassActivation.byteCount(for: live.graph)
  }

  private static func contextByteCount(of network: CompiledNetwork) -> Int {
    network.contextByteCount + network.inputByteCount * network.largestBatch
  }

  /// Estimates by the network's shapes; known values of a live model with the same network take
  /// precedence.
  package init(_ graph: Graph, precision: Precision, plan: CPUPlan, live: CompiledModel?)
    throws(GraphError)
  {
    let largestLayer = try graph.parameterShapes().values.map { $0.reduce(1, *) }.max() ?? 0
    let packing = largestLayer * MemoryLayout<Float>.stride * Self.copiesWhilePacking
    let contextCount = plan.workers + 1
    let maps = ClassActivation.byteCount(for: graph)
    if let live, live.graph == graph, live.precision == precision, live.plan == plan {
      let network = live.network
      byteCount =
        network.weightByteCount + maps + packing
        + Self.contextByteCount(of: network) * contextCount
      return
    }
    let estimate = try CompilationEstimate(
      graph, precision: precision, batchSizes: plan.batchSizes, hasTeam: plan.threads > 1)
    byteCount =
      estimate.weightByteCount + maps + packing + estimate.stepByteCount
      + estimate.contextByteCount * contextCount
  }
}
