import Inference

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
