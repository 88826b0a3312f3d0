package import Checkpoint
package import Inference

/// A first model for a server without one, proved by the checks of a swap.
package struct FirstDeployment: Sendable {
  package let deployment: Deployment
  /// Result of planning. Nothing else computes yet, so the plan may have been measured.
  package let planned: PlannedModel
  package let report: SwapReport

  /// Proves a file of a remote store or an administrator, on the calling thread. `request.by`
  /// becomes the deployment's `by`.
  ///
  /// - Parameter turn: The turn in progress; whoever has it gives it back.
  package init(
    _ request: SwapRequest, in turn: SwapTurn, rules: CompilationRules, context: ServingContext
  ) throws(SwapFailure) {
    let checks = CandidateChecks(turn: turn, live: nil, rules: rules, context: context)
    self.init(try checks.run(request), isDryRun: request.dryRun)
  }

  /// Proves the model that a server starts with, on the calling thread. That is not a swap: nobody
  /// sees it or can end it, and it is not counted. Its warm-up may take any time: a slow start is
  /// better than none.
  ///
  /// - Parameters:
  ///   - model: Left without its weights, as in `CandidateChecks.prove`.
  ///   - by: Becomes the deployment's `by`.
  package init(
    _ model: inout Model, by who: String, rules: CompilationRules, context: ServingContext
  ) throws(SwapFailure) {
    let turn = SwapTurn("start", by: who, isAbandoned: { false })
    let checks = CandidateChecks(
      turn: turn, live: nil, rules: rules, context: context, limitsWarmUp: false)
    self.init(try checks.prove(&model, by: who, SwapClock(turn, nil)), isDryRun: false)
  }

  private init(_ candidate: Candidate, isDryRun: Bool) {
    guard let planned = candidate.planned else { preconditionFailure("nothing else is live") }
    deployment = candidate.deployment
    self.planned = planned
    report = SwapReport(candidate, former: nil, isDryRun: isDryRun)
  }
}
