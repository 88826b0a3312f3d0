import HTTPCore
import HTTPServer

/// A request that waits for a worker, or for its next turn.
struct ClassificationJob: Sendable {
  let head: RequestHead
  let content: RequestContent
  var admission: Admission
  let identity: RequestIdentity
  let exchange: Exchange
  /// When an answer is of no use any more.
  let deadline: ContinuousClock.Instant
  let queuedAt: ContinuousClock.Instant
  /// Where it is answered, and nowhere else.
  let pending: PendingRequests
  /// What has been done for it, while it waits for another turn.
  var progress: ServedJob?
  /// Whether a worker has found that it takes long.
  var isSlow = false

  init(
    request: Request, admission: Admission, identity: RequestIdentity, exchange: Exchange,
    deadline: ContinuousClock.Instant, queuedAt: ContinuousClock.Instant,
    pending: PendingRequests
  ) {
    head = request.head
    content = RequestContent(request.body, hold: request.hold)
    self.admission = admission
    self.identity = identity
    self.exchange = exchange
    self.deadline = deadline
    self.queuedAt = queuedAt
    self.pending = pending
  }

  var deployment: Deployment { admission.deployment }
  var parameters: ClassificationParameters { admission.parameters }

  /// Whether it has no answer yet.
  var isOpen: Bool { pending.isOpen(self) }

  /// Answers, unless somebody was faster.
  ///
  /// - Parameter outcome: Where the status does not tell it.
  func respond(_ response: Response, as outcome: ClassificationOutcome? = nil) {
    pending.answer(self, response, outcome ?? ClassificationOutcome(status: response.status))
  }

  /// Answers without a word about the model, which has not seen the request or has failed it already.
  func turnAway(_ response: Response) { pending.answer(self, response, nil) }

  /// Whether somebody still waits for the answer; what nobody waits for is answered so, for work for it is wasted.
  var isWanted: Bool {
    pending.expire(self, at: .now)
    return isOpen
  }
}
