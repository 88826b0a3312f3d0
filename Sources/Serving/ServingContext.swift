package import Decoding
package import Machine
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
