import Inference

/// The deployment that answers a request, chosen once when the request is complete, which can
/// answer its parameters.
struct Admission: Sendable {
  let deployment: Deployment
  /// The canary whose deployment it is, or nil for the live one.
  let canary: Canary?
  /// Whether the request chose the canary itself.
  let isExplicit: Bool
  let parameters: ClassificationParameters

  /// Picks a deployment. A request that does not ask for the canary goes to the live model if its
  /// parameters fit only that one.
  init(_ parameters: ClassificationParameters, _ traffic: Traffic) throws(Problem) {
    let pick = traffic.pick(parameters.canary)
    if let canary = pick.canary {
      do throws(Problem) {
        try self.init(parameters, canary.deployment, canary, isExplicit: pick.isExplicit)
        return
      } catch {
        if pick.isExplicit { throw error }
      }
    }
    try self.init(parameters, pick.live)
  }

  init(
    _ parameters: ClassificationParameters, _ deployment: Deployment, _ canary: Canary? = nil,
    isExplicit: Bool = false
  ) throws(Problem) {
    // The model that was live when the head came may have been replaced since.
    try parameters.check(deployment.model)
    self.parameters = parameters
    self.deployment = deployment
    self.canary = canary
    self.isExplicit = isExplicit
  }

  /// Returns the admission with the parameters of the body, which are read after a deployment was
  /// chosen.
  ///
  /// As with those of the query, a canary that has not been asked for leaves to the live model what
  /// it cannot answer.
  func adding(
    _ given: [GivenParameter], orBy live: @autoclosure () -> Deployment
  ) throws(Problem) -> Admission {
    guard !given.isEmpty else { return self }
    do throws(Problem) {
      return try Admission(
        parameters.adding(given, classCount: deployment.model.labels.count), deployment, canary,
        isExplicit: isExplicit)
    } catch {
      guard canary != nil, !isExplicit else { throw error }
      let live = live()
      return try Admission(
        parameters.adding(given, classCount: live.model.labels.count), live)
    }
  }
}
