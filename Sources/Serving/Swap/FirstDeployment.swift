package import Decoding
package import Inference
package import Machine

/// A model for a server that has none yet, from a remote store or an administrator: proved by the checks of a swap.
package struct FirstDeployment: Sendable {
  package let deployment: Deployment
  /// How its plan was found: nothing else computes yet, so it may have been measured.
  package let planned: PlannedModel
  package let report: SwapReport

  /// Proves it on the calling thread; `request.by` is who the deployment says it is by.
  ///
  /// - Parameters:
  ///   - turn: Whose turn it is; whoever has it gives it back.
  ///   - availableMemory: Bytes that it may take; nil where nobody knows.
  package init(
    _ request: SwapRequest, in turn: SwapTurn, rules: CompilationRules, limits: ServingLimits,
    metrics: ServingMetrics, decoders: any DecoderSource = LocalDecoders(),
    availableMemory: @escaping @Sendable () -> Int? = { MemoryAllowance.available },
    memoryBudget: MemoryBudget? = nil
  ) throws(SwapFailure) {
    let candidate = try CandidateChecks(
      request: request, turn: turn, live: nil, rules: rules, limits: limits, metrics: metrics,
      decoders: decoders, availableMemory: availableMemory, memoryBudget: memoryBudget
    ).run()
    guard let planned = candidate.planned else { preconditionFailure("nothing else is live") }
    deployment = candidate.deployment
    self.planned = planned
    report = SwapReport(candidate, former: nil, isDryRun: request.dryRun)
  }
}
