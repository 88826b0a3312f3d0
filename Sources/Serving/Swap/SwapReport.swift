package import Checkpoint
package import Engine
package import Inference

/// What a swap did.
package struct SwapReport: Sendable {
  package var version: ModelVersion
  package var name: String
  /// What was live before; with a dry run it still is. Nil where nothing was.
  package var formerVersion: ModelVersion?
  /// Nil where the classes are those of what was live before, or nothing was.
  package var labelChange: LabelChange?
  package var isDryRun: Bool
  /// Whether it became a canary instead of live.
  package var isCanary = false
  /// Why the choice could not be kept for a restart; nil where it was.
  package var recordFault: String?
  /// The canary that it ended, if there was one.
  package var endedCanary: CanaryEnd?
  package var precision: Precision
  package var plan: CPUPlan
  package var planOrigin: PlannedModel.Origin
  /// Each step that was taken and its time, in order.
  package var steps: [(step: SwapStep, duration: Duration)]
  /// Bytes that the candidate was thought to take, and that there were; nil where the system does not tell.
  package var estimatedByteCount: Int
  package var availableByteCount: Int?

  var outcome: SwapOutcome.Result { isCanary ? .canary : isDryRun ? .dryRun : .done }

  package var duration: Duration { steps.reduce(.zero) { $0 + $1.duration } }
}

extension SwapReport {
  /// Of a candidate that has proved itself.
  init(_ candidate: Candidate, former: Deployment?, isDryRun: Bool = false) {
    self.init(candidate.deployment, former: former)
    self.isDryRun = isDryRun
    planOrigin = candidate.planOrigin
    steps = candidate.clock.steps
    estimatedByteCount = candidate.estimatedByteCount
    availableByteCount = candidate.availableByteCount
  }

  /// Of a deployment that stands beside the live one already and takes no more memory.
  init(promoting deployment: Deployment, former: Deployment) {
    self.init(deployment, former: former)
  }

  private init(_ deployment: Deployment, former: Deployment?) {
    let model = deployment.model
    self.init(
      version: model.version, name: model.name, formerVersion: former?.model.version,
      labelChange: former.flatMap { LabelChange(from: $0.model.labels, to: model.labels) },
      isDryRun: false, precision: model.precision, plan: model.plan, planOrigin: .inherited,
      steps: [], estimatedByteCount: 0, availableByteCount: nil)
  }
}

/// How the classes of a model differ from those of the one whose place it takes.
package struct LabelChange: Sendable, Hashable {
  package let formerCount: Int
  package let count: Int
  /// Classes that have another label than before, or had none.
  package let differingCount: Int

  /// Nil where they are the same, in the same order.
  init?(from former: [String], to labels: [String]) {
    guard former != labels else { return nil }
    formerCount = former.count
    count = labels.count
    differingCount =
      zip(former, labels).count { $0 != $1 } + max(0, labels.count - former.count)
  }
}
