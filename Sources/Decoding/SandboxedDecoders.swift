package import Machine

/// Source of decoders in processes of their own, each confined, forked by one spawner.
package struct SandboxedDecoders: DecoderSource {
  private let processes: DecoderProcesses

  /// - Parameters:
  ///   - budget: Budget that decoders share with everything else; nil to count nothing.
  ///   - observe: Called with the events of decoders, on the threads that decode.
  package init(
    _ spawner: Spawner, budget: MemoryBudget? = nil, limits: SandboxLimits = SandboxLimits(),
    observe: @escaping @Sendable (DecoderEvent) -> Void = { _ in }
  ) {
    processes = DecoderProcesses(spawner, budget: budget, limits: limits, observe: observe)
  }

  package func makeDecoder(overdraws: Bool) -> any ImageDecoder {
    SandboxedDecoder(processes, overdraws: overdraws)
  }

  package func makeSandboxedDecoder() -> SandboxedDecoder { SandboxedDecoder(processes) }

  package var fault: String? { processes.fault }

  package var lastingByteCount: Int {
    processes.budget == nil ? 0 : processes.limits.lastingByteCount
  }

  /// Finds the parts that would confine a decoder by starting one; nil if none can be started.
  package func probe() -> SandboxParts? { processes.probe() }
}
