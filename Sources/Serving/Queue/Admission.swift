import HTTPCore
import Inference

/// The deployment that answers a request, chosen once when the request is complete, with checked
/// parameters.
struct Admission: Sendable {
  let deployment: Deployment
  /// The canary whose deployment it is, or nil for the live one.
  let canary: Canary?
  /// Whether the request chose the canary itself.
  let isExplicit: Bool
  let parameters: ClassificationParameters

  /// Picks a deployment. A request that does not ask for the canary goes to the live model if its
  /// parameters fit only that one.
  init(_ head: RequestHead, _ traffic: Traffic) throws(Problem) {
    let pick = traffic.pick(try CanaryChoice(head.fields))
    if let canary = pick.canary {
      do throws(Problem) {
        try self.init(head, canary.deployment, canary, isExplicit: pick.isExplicit)
        return
      } catch {
        if pick.isExplicit { throw error }
      }
    }
    try self.init(head, pick.live)
  }

  init(
    _ head: RequestHead, _ deployment: Deployment, _ canary: Canary? = nil, isExplicit: Bool = false
  ) throws(Problem) {
    parameters = try Self.parameters(head, deployment)
    self.deployment = deployment
    self.canary = canary
    self.isExplicit = isExplicit
  }

  /// Checks whether a request may send its body.
  static func check(
    _ head: RequestHead, _ traffic: Traffic
  ) throws(Problem) -> ClassificationParameters {
    try parameters(head, traffic.likely(try CanaryChoice(head.fields)))
  }

  private static func parameters(
    _ head: RequestHead, _ deployment: Deployment
  ) throws(Problem) -> ClassificationParameters {
    try ClassificationParameters(head, classCount: deployment.model.labels.count)
  }
}
