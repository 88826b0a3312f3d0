package import Checkpoint
package import Engine
package import Inference

/// Report of a swap.
package struct SwapReport: Sendable {
  package var version: ModelVersion
  package var name: String
  /// Version that was live before, and still is after a dry run; nil if there was none.
  package var formerVersion: ModelVersion?
  /// Change of the classes, or nil if they are the same as before, or if nothing was live.
  package var labelChange: LabelChange?
  /// What clients may have to know of besides, nothing if nothing was live.
  package var contractChanges: [ContractChange]
  /// What the file did not say and was assumed.
  package var assumptions: [String]
  package var isDryRun: Bool
  /// Share of the requests that it answers as a canary, instead of becoming live; nil if it is none.
  package var canaryPercent: CanaryPercent?
  /// Whether it had been the canary before, which goes on.
  package var goesOn = false
  /// Reason why the choice could not be kept for a restart, or nil if it was.
  package var recordFault: String?
  /// The canary that it ended, if there was one.
  package var endedCanary: CanaryEnd?
  package var precision: Precision
  package var plan: CPUPlan
  package var planOrigin: PlannedModel.Origin
  /// Each step that was taken and its time, in order.
  package var steps: [(step: SwapStep, duration: Duration)]
  /// Bytes that the candidate was estimated to take, and that were available; nil if the system
  /// does not tell.
  package var estimatedByteCount: Int
  package var availableByteCount: Int?

  package var isCanary: Bool { canaryPercent != nil }

  var outcome: SwapOutcome.Result { isCanary ? .canary : isDryRun ? .dryRun : .done }

  package var duration: Duration { steps.reduce(.zero) { $0 + $1.duration } }
}

extension SwapReport {
  /// Reports a candidate that has proved itself.
  init(_ candidate: Candidate, former: Deployment?, isDryRun: Bool = false) {
    self.init(candidate.deployment, former: former)
    self.isDryRun = isDryRun
    planOrigin = candidate.planOrigin
    steps = candidate.clock.steps
    estimatedByteCount = candidate.estimatedByteCount
    availableByteCount = candidate.availableByteCount
  }

  /// Reports a canary that becomes live, and so takes no more memory.
  init(promoting deployment: Deployment, former: Deployment) {
    self.init(deployment, former: former)
  }

  /// Reports a canary that goes on with other rules.
  init(_ canary: Canary, beside live: Deployment) {
    self.init(canary.deployment, former: live)
    canaryPercent = canary.rules.percent
    goesOn = true
  }

  private init(_ deployment: Deployment, former: Deployment?) {
    let model = deployment.model
    self.init(
      version: model.version, name: model.name, formerVersion: former?.model.version,
      labelChange: former.flatMap { LabelChange(from: $0.model.labels, to: model.labels) },
      contractChanges: former.map { ContractChange.all(from: $0.model, to: model) } ?? [],
      assumptions: model.assumptions, isDryRun: false, precision: model.precision, plan: model.plan,
      planOrigin: .inherited,
      steps: [], estimatedByteCount: 0, availableByteCount: nil)
  }
}

/// Difference between the classes of a model and those of the one whose place it takes.
package struct LabelChange: Sendable, Hashable {
  package let formerCount: Int
  package let count: Int
  /// Classes that have another label than before, or had none.
  package let differingCount: Int

  /// Returns nil if they are the same, in the same order.
  init?(from former: [String], to labels: [String]) {
    guard former != labels else { return nil }
    formerCount = former.count
    count = labels.count
    differingCount =
      zip(former, labels).count { $0 != $1 } + max(0, labels.count - former.count)
  }
}
