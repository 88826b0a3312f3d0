/// A request's body while it arrives: where it goes, what it may take, and when it is due.
struct ArrivingBody: Sendable {
  /// Reason to give it up.
  enum End {
    case failure(ParseFailure)
    case answer(Response)
  }

  let head: RequestHead
  /// Memory of the head.
  let headByteCount: Int
  /// Instant at which the request began to arrive, or its turn came.
  let receivedAt: ContinuousClock.Instant
  /// Instant at which the head was complete.
  let headReceivedAt: ContinuousClock.Instant
  /// Sink that it goes to, if it is streamed.
  let destination: BodyDestination?
  let hold: (any BodyHold)?
  var isYielding = false
  /// Instant by which the whole request must have arrived; nil for a streamed body, which need only
  /// make progress.
  private let wholeDeadline: ContinuousClock.Instant?
  /// The client's own deadline, where it is earlier.
  private let ownDeadline: (instant: ContinuousClock.Instant, response: Response)?
  private var progressDeadline: ContinuousClock.Instant
  /// Bytes that had arrived when progress was last checked.
  private var countedByteCount = 0

  /// Makes a body that is kept until it is whole.
  init(
    of head: RequestHead, _ receivedAt: ContinuousClock.Instant, hold: (any BodyHold)?,
    deadline: BodyDeadline?, limits: ConnectionLimits, now: ContinuousClock.Instant
  ) {
    self.head = head
    headByteCount = head.byteCount
    self.receivedAt = receivedAt
    headReceivedAt = now
    destination = nil
    self.hold = hold
    let whole = receivedAt + limits.requestTimeout
    wholeDeadline = whole
    ownDeadline = deadline.flatMap { deadline in
      let instant = receivedAt + deadline.duration
      return instant < whole ? (instant, deadline.response) : nil
    }
    progressDeadline = now + limits.bodyTimeout
  }

  /// Makes a body that is handed over as it arrives.
  init(
    of head: RequestHead, _ receivedAt: ContinuousClock.Instant, to destination: BodyDestination,
    limits: ConnectionLimits, now: ContinuousClock.Instant
  ) {
    self.head = head
    headByteCount = head.byteCount
    self.receivedAt = receivedAt
    headReceivedAt = now
    self.destination = destination
    hold = nil
    wholeDeadline = nil
    ownDeadline = nil
    progressDeadline = now + limits.bodyTimeout
  }

  /// Instant at which `end` has something to say.
  var deadline: ContinuousClock.Instant {
    min(progressDeadline, ownDeadline?.instant ?? wholeDeadline ?? progressDeadline)
  }

  /// Checks the deadlines; nil where the body may go on arriving.
  mutating func end(
    byteCount: Int, limits: ConnectionLimits, now: ContinuousClock.Instant
  ) -> End? {
    if let ownDeadline, ownDeadline.instant <= now { return .answer(ownDeadline.response) }
    if let wholeDeadline, wholeDeadline <= now {
      return .failure(.stalled("request", "within \(limits.requestTimeout)"))
    }
    guard progressDeadline <= now else { return nil }
    guard byteCount - countedByteCount >= limits.bodyProgressByteCount else {
      return .failure(.stalled("body", "in time"))
    }
    countedByteCount = byteCount
    progressDeadline = now + limits.bodyTimeout
    return nil
  }
}
