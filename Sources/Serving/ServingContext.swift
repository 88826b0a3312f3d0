package import Decoding
package import Engine
package import Inference
package import Machine
package import ResNet
package import Telemetry

/// Everything that the parts of a server share for its whole life.
package struct ServingContext: Sendable {
  package let limits: ServingLimits
  package let metrics: ServingMetrics
  package let log: Log
  /// Source of decoders, for workers and for candidates.
  package let decoders: any DecoderSource
  /// Budget for all memory that serving takes.
  package let memory: MemoryBudget
  /// Returns the bytes that a candidate may take now, or nil if unknown.
  let availableMemory: @Sendable () -> Int?

  /// - Parameter availableMemory: For tests; by default the bytes that neither the system refuses
  ///   nor the budget has promised to others.
  package init(
    limits: ServingLimits, metrics: ServingMetrics, log: Log,
    decoders: any DecoderSource = LocalDecoders(),
    memory: MemoryBudget = MemoryBudget(byteCount: 1 << 46),
    availableMemory: (@Sendable () -> Int?)? = nil
  ) {
    self.limits = limits
    self.metrics = metrics
    self.log = log
    self.decoders = decoders
    self.memory = memory
    self.availableMemory =
      availableMemory ?? { min(MemoryAllowance.available ?? .max, memory.freeByteCount) }
  }
}

extension ServingContext {
  /// Least bytes that each worker's requests have for bodies and images, 4 MiB.
  static let requestByteCount = 4 << 20
  private static let adviceRoundLimit = 16
  /// MiB beside the sum, since a program does not take quite the same at each start.
  private static let adviceMarginMebibytes = 3

  /// Returns a limit of memory, in MiB, with which a first model is made and serves with all workers
  /// of its plan.
  ///
  /// - Parameter reading: Bytes that reading it takes.
  package func sufficientMebibytes(
    _ graph: Graph, _ precision: Precision, _ plan: CPUPlan, reading: Int
  ) throws(GraphError) -> Int {
    let program = memory.usedByteCount(for: .program)
    let model = try MemoryEstimate(graph, precision: precision, plan: plan, live: nil).byteCount
    var budget = 0
    // A decoder's share grows with the budget, up to a bound.
    for _ in 0..<Self.adviceRoundLimit {
      let decoder = decoders.lastingByteCount > 0 ? SandboxLimits.lastingByteCount(in: budget) : 0
      let requests = plan.workers * (decoder + Self.requestByteCount)
      let needed = program + model + max(reading, requests)
      guard needed > budget else { break }
      budget = needed
    }
    return (MemoryPlan.limit(leaving: budget) >> 20) + Self.adviceMarginMebibytes
  }
}
