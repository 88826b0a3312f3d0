package import ResNet

extension CPUPlan {
  /// What is set by hand; the rest follows from the cores and the network.
  package struct Settings: Sendable, Hashable {
    package var workers: Int?
    package var threads: Int?
    package var maxBatch: Int?
    package var maxQueueDelay = Duration.zero

    package init() {}

    /// The plan where nothing has been measured.
    ///
    /// A large network fills the cache with one image and gains by a team; a small one is mostly overhead then and
    /// takes batches.
    package func plan(cores: Int, for graph: Graph) -> CPUPlan {
      let isSmall =
        CPUPlan.largestFeatureByteCount(graph) * CPUPlan.ruleBatch <= CPUPlan.ruleByteLimit
      return plan(
        cores: cores, threads: isSmall ? 1 : cores, maxBatch: isSmall ? CPUPlan.ruleBatch : 1)
    }

    /// The plan with what was measured, as far as it is not set by hand.
    package func plan(cores: Int, threads: Int, maxBatch: Int) -> CPUPlan {
      let limit = CPUPlan.workerLimit
      return CPUPlan(
        workers: workers ?? min(cores, limit), threads: self.threads ?? min(threads, limit),
        maxBatch: self.maxBatch ?? maxBatch, maxQueueDelay: maxQueueDelay)
    }
  }

  /// The batch of small networks, and how much the largest of their features may then take.
  private static let ruleBatch = 8
  private static let ruleByteLimit = 8 << 20

  private static func largestFeatureByteCount(_ graph: Graph) -> Int {
    let shapes = (try? graph.shapes()) ?? []
    return (shapes.map(\.elementCount).max() ?? 0) * MemoryLayout<Float>.stride
  }
}
