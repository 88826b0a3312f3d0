/// A request's body while it arrives: where it goes, what it may take, and until when it must be there.
struct ArrivingBody: Sendable {
  /// Why it is given up.
  enum End {
    case failure(ParseFailure)
    case answer(Response)
  }

  /// Where it goes, if it is streamed.
  var destination: BodyDestination?
  var hold: (any BodyHold)?
  /// When the head was complete.
  let headReceivedAt: ContinuousClock.Instant
  /// When the whole request must be there; nil for a streamed body, which only must make progress.
  private let wholeDeadline: ContinuousClock.Instant?
  /// The client's own, where it is earlier.
  private let ownDeadline: (instant: ContinuousClock.Instant, response: Response)?
  private var progressDeadline: ContinuousClock.Instant
  /// Bytes that had arrived when progress was last looked at.
  private var countedByteCount = 0

  /// For a body that is kept until it is whole.
  init(
    hold: (any BodyHold)?, deadline: BodyDeadline?, limits: ConnectionLimits,
    receivedAt: ContinuousClock.Instant, now: ContinuousClock.Instant
  ) {
    self.hold = hold
    headReceivedAt = now
    let whole = receivedAt + limits.requestTimeout
    wholeDeadline = whole
    ownDeadline = deadline.flatMap { deadline in
      let instant = receivedAt + deadline.duration
      return instant < whole ? (instant, deadline.response) : nil
    }
    progressDeadline = now + limits.bodyTimeout
  }

  /// For a body that is handed over as it arrives.
  init(
    to destination: BodyDestination, limits: ConnectionLimits, now: ContinuousClock.Instant
  ) {
    self.destination = destination
    headReceivedAt = now
    wholeDeadline = nil
    ownDeadline = nil
    progressDeadline = now + limits.bodyTimeout
  }

  /// When `end` has something to say.
  var deadline: ContinuousClock.Instant {
    min(progressDeadline, ownDeadline?.instant ?? wholeDeadline ?? progressDeadline)
  }

  /// Looks at the deadlines; nil where the body may go on arriving.
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
