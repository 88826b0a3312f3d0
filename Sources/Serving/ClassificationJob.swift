import HTTPCore
import HTTPServer

/// A request that waits for a worker.
struct ClassificationJob: Sendable {
  var request: Request
  var admission: Admission
  var identity: RequestIdentity
  var exchange: Exchange
  /// When an answer is of no use any more.
  var deadline: ContinuousClock.Instant
  var queuedAt: ContinuousClock.Instant

  var deployment: Deployment { admission.deployment }
  var parameters: ClassificationParameters { admission.parameters }

  /// Whether somebody still waits for the answer; work for nobody costs nothing.
  var isWanted: Bool { !exchange.isCancelled && ContinuousClock.now < deadline }

  /// Why it is not wanted any more.
  var rejection: Rejection { exchange.isCancelled ? .clientGone : .deadline }

  /// Answers, and counts the answer for the model first: whoever has it finds it counted.
  ///
  /// - Parameter outcome: Where the status does not tell it.
  func respond(
    _ response: Response, as outcome: ClassificationOutcome? = nil, _ traffic: Traffic
  ) {
    count(outcome ?? ClassificationOutcome(status: response.status), traffic)
    turnAway(response)
  }

  /// Counts what has become of it at its model.
  func count(_ outcome: ClassificationOutcome, _ traffic: Traffic) {
    deployment.metrics.classified(outcome, after: .now - exchange.receivedAt)
    if let canary = admission.canary { traffic.record(outcome, of: canary) }
  }

  /// Answers without a word about the model, which has not seen the request.
  func turnAway(_ response: Response) { exchange.respond(identity.marking(response)) }
}
