/// The state of a `Connection`, with the data that no other state has.
///
/// Payloads are boxed: the compiler does not know the size of instants, so copying inline payloads,
/// as every look at the state does, costs more than a box for each change of state.
indirect enum ConnectionState: Sendable {
  /// Nothing of a next request has arrived; its first byte is due by the deadline.
  case idle(deadline: ContinuousClock.Instant)
  case readingHead(ArrivingHead)
  case readingBody(ArrivingBody)
  case handling(UnansweredRequest)
  /// An answer is being written, after which the next request's turn comes.
  case writing(isPaused: Bool)
  /// The last answer is being written, after which writing ends.
  case finishing
  /// Nothing more is written; until the deadline the client may notice that the connection ends.
  case lingering(deadline: ContinuousClock.Instant)
  case closed

  /// Instant by which the client owes something; nil while it owes nothing.
  var deadline: ContinuousClock.Instant? {
    switch self {
    case .idle(let deadline), .lingering(let deadline): deadline
    case .readingHead(let head): head.deadline
    case .readingBody(let body): body.deadline
    case .handling, .writing, .finishing, .closed: nil
    }
  }

  /// Whether the request being read waits until other connections have had their turn.
  var isYielding: Bool {
    get {
      switch self {
      case .readingHead(let head): head.isYielding
      case .readingBody(let body): body.isYielding
      case .idle, .handling, .writing, .finishing, .lingering, .closed: false
      }
    }
    set {
      switch self {
      case .readingHead(var head):
        head.isYielding = newValue
        self = .readingHead(head)
      case .readingBody(var body):
        body.isYielding = newValue
        self = .readingBody(body)
      case .idle, .handling, .writing, .finishing, .lingering, .closed: break
      }
    }
  }

  /// Whether nothing more is read ahead of the answer in progress.
  var isPaused: Bool {
    get {
      switch self {
      case .handling(let request): request.isPaused
      case .writing(let isPaused): isPaused
      case .idle, .readingHead, .readingBody, .finishing, .lingering, .closed: false
      }
    }
    set {
      switch self {
      case .handling(var request):
        request.isPaused = newValue
        self = .handling(request)
      case .writing: self = .writing(isPaused: newValue)
      case .idle, .readingHead, .readingBody, .finishing, .lingering, .closed: break
      }
    }
  }

  /// Head of the request whose body is being read.
  var head: RequestHead? { if case .readingBody(let body) = self { body.head } else { nil } }

  /// Instant at which the request being read began to arrive, or its turn came.
  var receivedAt: ContinuousClock.Instant? {
    switch self {
    case .readingHead(let head): head.receivedAt
    case .readingBody(let body): body.receivedAt
    case .idle, .handling, .writing, .finishing, .lingering, .closed: nil
    }
  }
}

/// A request's head while it arrives.
struct ArrivingHead: Sendable {
  /// Instant at which it began to arrive, or its turn came.
  let receivedAt: ContinuousClock.Instant
  /// Instant by which it must be complete.
  var deadline: ContinuousClock.Instant
  var isYielding = false
}

/// A request that has been handed out and has no answer yet.
struct UnansweredRequest: Sendable {
  /// Whether the connection may stay for the next request.
  let keepsAlive: Bool
  let isToHead: Bool
  let isHTTP10: Bool
  /// Memory of its head.
  let headByteCount: Int
  var isPaused = false

  init(_ head: RequestHead, headByteCount: Int, keepsAlive: Bool) {
    self.keepsAlive = keepsAlive
    self.headByteCount = headByteCount
    isToHead = head.method == "HEAD"
    isHTTP10 = head.version == .http10
  }
}
