import HTTPCore
import HTTPServer

/// A request that waits for a worker.
struct ClassificationJob: Sendable {
  var request: Request
  /// What answers it, chosen at admission: its parameters are right for this model.
  var deployment: Deployment
  var parameters: ClassificationParameters
  var identity: RequestIdentity
  var exchange: Exchange
  /// When an answer is of no use any more.
  var deadline: ContinuousClock.Instant
  var queuedAt: ContinuousClock.Instant

  /// Whether somebody still waits for the answer; work for nobody costs nothing.
  var isWanted: Bool { !exchange.isCancelled && ContinuousClock.now < deadline }

  /// Why it is not wanted any more.
  var rejection: Rejection { exchange.isCancelled ? .clientGone : .deadline }

  func respond(_ response: Response) { exchange.respond(identity.marking(response)) }
}
