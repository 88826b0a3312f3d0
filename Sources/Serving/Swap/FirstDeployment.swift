package import Inference

/// A first model for a server without one, from a remote store or an administrator: proved by the
/// checks of a swap.
package struct FirstDeployment: Sendable {
  package let deployment: Deployment
  /// Result of planning. Nothing else computes yet, so the plan may have been measured.
  package let planned: PlannedModel
  package let report: SwapReport

  /// Proves it on the calling thread. `request.by` becomes the deployment's `by`.
  ///
  /// - Parameter turn: The turn in progress; whoever has it gives it back.
  package init(
    _ request: SwapRequest, in turn: SwapTurn, rules: CompilationRules, context: ServingContext
  ) throws(SwapFailure) {
    let candidate = try CandidateChecks(
      request: request, turn: turn, live: nil, rules: rules, context: context
    ).run()
    guard let planned = candidate.planned else { preconditionFailure("nothing else is live") }
    deployment = candidate.deployment
    self.planned = planned
    report = SwapReport(candidate, former: nil, isDryRun: request.dryRun)
  }
}
