/// One connection's life as a pure state machine: events go in, actions come out, nothing is done here.
///
///     idle -> readingHead -> readingBody -> handling -> writing -> idle ...
///                                                    `> finishing -> lingering -> closed
///
/// Requests are handled one at a time and answered in their order (RFC 9112, section 9.3.2); following ones wait in
/// the buffer until the answer is written, so that a client that does not read holds no more than one. After a few of them,
/// or of their chunks, the connection yields to others. Times are instants of the caller's clock, so that a test can be
/// its own clock.
package struct Connection: Sendable {
  package typealias Instant = ContinuousClock.Instant

  package enum Action: Sendable, Hashable {
    /// Send these bytes, after those still being sent.
    case write([UInt8])
    /// Have the request answered, and call `respond` with the answer; its body arrived within `readDuration` after
    /// its head.
    case handle(Request, receivedAt: Instant, readDuration: Duration)
    /// Hand over the next part of a body that is streamed.
    case part([UInt8], to: BodyDestination)
    /// Call `respond` with this answer: the route needs no body.
    case answer(RequestHead, Response, receivedAt: Instant)
    /// What cannot be read as a request has been answered so, for the log; the head if it was complete.
    case failed(RequestHead?, Response, receivedAt: Instant)
    /// Call `proceed` when other ready connections have had their turn; nothing is read until then.
    case yield
    /// No more bytes are wanted until `resumeReading`.
    case pauseReading
    case resumeReading
    /// Send nothing more, but read and throw away what still comes.
    case shutdownWriting
    case close
  }

  enum State: Sendable {
    case idle
    case readingHead
    case readingBody(ArrivingBody)
    case handling(keepAlive: Bool)
    /// An answer is being written, after which the next request's turn comes.
    case writing
    /// The last answer is being written, after which writing ends.
    case finishing
    case lingering
    case closed
  }

  let limits: ConnectionLimits
  var parser: RequestParser
  var state = State.idle
  private var requestCount = 0
  /// Of the turn in progress.
  private var turnRequestCount = 0
  var isYielding = false
  var isDraining = false
  var clientHasFinished = false
  var isPaused = false
  /// Of the request in progress, once complete, and the memory that it took.
  var head: RequestHead?
  var headByteCount = 0
  /// When the request in progress began to arrive, or its turn came.
  var receivedAt: Instant

  /// Of what the client owes; nil while a request is being answered.
  var readDeadline: Instant?
  var writeDeadline: Instant?

  package init(limits: ConnectionLimits, now: Instant) {
    self.limits = limits
    parser = RequestParser(limits: limits.parser)
    receivedAt = now
    readDeadline = now + limits.headerTimeout
    beginTurn()
  }

  /// When `tick` has something to do.
  package var deadline: Instant? {
    guard let readDeadline, let writeDeadline else { return readDeadline ?? writeDeadline }
    return min(readDeadline, writeDeadline)
  }

  package var isClosed: Bool { if case .closed = state { true } else { false } }

  /// Whether nothing of a request has arrived.
  package var isIdle: Bool { if case .idle = state { true } else { false } }

  /// Since when a request's head has been arriving that is not complete; nil while none is, or while it is the server
  /// that lets it wait.
  package var headReceivedSince: Instant? {
    if case .readingHead = state, !isYielding { receivedAt } else { nil }
  }

  /// Whether a request is being read or answered.
  package var isActive: Bool {
    switch state {
    case .idle, .lingering, .closed: false
    case .readingHead, .readingBody, .handling, .writing, .finishing: true
    }
  }

  /// Whether no request has been complete yet.
  package var awaitsFirstRequest: Bool {
    switch state {
    case .idle, .readingHead: requestCount == 0
    case .readingBody, .handling, .writing, .finishing, .lingering, .closed: false
    }
  }

  /// Memory that the client takes here, but for a body that has a hold of its own.
  package var heldByteCount: Int {
    guard case .readingBody(let body) = state, body.hold == nil else {
      return parser.bufferCapacity + headByteCount
    }
    return parser.bufferCapacity + headByteCount + parser.bodyCapacity
  }

  // MARK: Events

  /// Bytes have arrived. The route is asked once per request, when its head is complete.
  package mutating func receive(
    _ bytes: some Collection<UInt8>, context: ConnectionContext
  ) -> [Action] {
    switch state {
    case .finishing, .lingering, .closed: return []
    case .idle, .readingHead, .readingBody:
      parser.append(bytes)
      guard !isYielding else { return [] }
      beginTurn()
      return advance(context)
    case .handling, .writing:
      parser.append(bytes)
      return isFull ? holdBack() : []
    }
  }

  /// Others have had their turn since `yield`.
  package mutating func proceed(context: ConnectionContext) -> [Action] {
    guard isYielding else { return [] }
    beginTurn()
    return advance(context)
  }

  /// The client will send nothing more, but may still read (a half-closed connection).
  package mutating func receiveEnd() -> [Action] {
    clientHasFinished = true
    if isYielding { return [.pauseReading] }
    switch state {
    case .handling, .writing, .finishing: return [.pauseReading]
    case .idle, .readingHead, .readingBody, .lingering: return close()
    case .closed: return []
    }
  }

  /// The answer to the request handed out last.
  package mutating func respond(
    _ response: Response, context: ConnectionContext
  ) -> [Action] {
    guard case .handling(let keepAlive) = state, let head else { return [] }
    let stays =
      keepAlive && !isDraining && !response.closesConnection
      && !(clientHasFinished && parser.bufferedByteCount == 0)
    state = stays ? .writing : .finishing
    self.head = nil
    headByteCount = 0
    let bytes = ResponseSerializer.bytes(
      response, date: context.date(), toHead: head.method == "HEAD", closing: !stays,
      keepAliveToHTTP10: head.version == .http10)
    return write(bytes, context.now)
  }

  /// Some bytes have been sent; `all` says whether none are left.
  package mutating func wrote(all: Bool, context: ConnectionContext) -> [Action] {
    writeDeadline = all ? nil : context.now + limits.writeTimeout
    guard all else { return [] }
    switch state {
    case .writing:
      becomeIdle(context.now)
      let actions = advance(context)
      guard isPaused, !clientHasFinished, !isFull || !isAnswering else { return actions }
      isPaused = false
      return actions + [.resumeReading]
    case .finishing: return linger(context.now)
    case .idle, .readingHead, .readingBody, .handling, .lingering, .closed: return []
    }
  }

  // MARK: Progress

  private mutating func beginTurn() {
    isYielding = false
    turnRequestCount = 0
    parser.lineAllowance = limits.turnLineLimit
  }

  /// Whether a request is being answered.
  var isAnswering: Bool {
    switch state {
    case .handling, .writing: true
    case .idle, .readingHead, .readingBody, .finishing, .lingering, .closed: false
    }
  }

  private var isFull: Bool { parser.bufferedByteCount > limits.pipelineByteLimit }

  private mutating func advance(_ context: ConnectionContext) -> [Action] {
    var actions: [Action] = []
    do throws(ParseFailure) {
      while true {
        if isIdle, !parser.isBetweenRequests {
          state = .readingHead
          receivedAt = context.now
          readDeadline = context.now + min(limits.headerTimeout, limits.requestTimeout)
          if turnRequestCount >= limits.turnRequestLimit { return actions + yield() }
        }
        guard let event = try parser.next() else {
          if let wanted = parser.wantedBodyCapacity {
            if let refusal = refusal(growingTo: wanted) {
              return actions + refuse(refusal, context)
            }
            continue
          }
          actions += handOverPart()
          return actions + (parser.isHeldBack ? yield() : waitForMore(context.now))
        }
        switch event {
        case .head(let head, let framing):
          self.head = head
          headByteCount = head.byteCount
          if let answer = try decide(head, framing, &actions, context) {
            // Without a body the connection is in step with the client and may go on.
            if framing == .none { _ = try parser.next() }
            handOut(head, mayPersist: framing == .none)
            return actions + [.answer(head, answer, receivedAt: receivedAt)]
          }
        case .end(let bytes, let trailers):
          guard case .readingBody(let body) = state, let head else { return actions }
          handOut(head, mayPersist: true)
          return actions + Self.handle(head, bytes, trailers, body, receivedAt, context.now)
        }
      }
    } catch {
      return actions + fail(error, context)
    }
  }

  private static func handle(
    _ head: RequestHead, _ bytes: [UInt8], _ trailers: HeaderFields, _ body: ArrivingBody,
    _ receivedAt: Instant, _ now: Instant
  ) -> [Action] {
    let request = Request(
      head: head, body: body.destination == nil ? bytes : [], trailers: trailers,
      destination: body.destination, hold: body.hold)
    let handle = Action.handle(
      request, receivedAt: receivedAt, readDuration: now - body.headReceivedAt)
    guard let destination = body.destination, !bytes.isEmpty else { return [handle] }
    return [.part(bytes, to: destination), handle]
  }

  /// The part of a streamed body that has arrived; nothing for another body.
  private mutating func handOverPart() -> [Action] {
    guard case .readingBody(let body) = state, let destination = body.destination else { return [] }
    let part = parser.takePart()
    return part.isEmpty ? [] : [.part(part, to: destination)]
  }

  /// Lets the body's buffer grow; the answer instead where its hold has no room.
  private mutating func refusal(growingTo wanted: RequestParser.WantedCapacity) -> Response? {
    var capacity = wanted.byteCount
    if case .readingBody(let body) = state, let hold = body.hold {
      if !hold.hold(capacity) {
        // A long step may fail where the body itself would fit.
        capacity = min(capacity, wanted.least + wanted.least / 4)
        guard capacity < wanted.byteCount, hold.hold(capacity) else {
          return hold.refusal(of: wanted.least)
        }
      }
      if let buffer = hold.takeBuffer(capacity: capacity) { parser.moveBody(to: buffer) }
    }
    parser.bodyCapacityLimit = max(parser.bodyCapacityLimit, capacity)
    return nil
  }

  /// Others come first.
  private mutating func yield() -> [Action] {
    isYielding = true
    return [.yield]
  }

  /// No more can be made of what has arrived.
  private mutating func waitForMore(_ now: Instant) -> [Action] {
    // Empty lines after a request begin no other.
    if case .readingHead = state, parser.isBetweenRequests { becomeIdle(now) }
    if clientHasFinished { return close() }
    if isDraining, isIdle { return linger(now) }
    return []
  }

  /// Asks the route; its answer, or nil when the body is to be read.
  private mutating func decide(
    _ head: RequestHead, _ framing: BodyFraming, _ actions: inout [Action],
    _ context: ConnectionContext
  ) throws(ParseFailure) -> Response? {
    let expectations = head.version == .http11 ? head.fields.tokens(of: "Expect") : []
    guard expectations.allSatisfy({ $0 == "100-continue" }) else {
      throw ParseFailure(
        status: 417, kind: .expectation, detail: "the only expectation met here is 100-continue")
    }
    let body: ArrivingBody
    switch context.route(head) {
    case .answer(let response): return response
    case .accept(let limit, let hold, let deadline):
      try admit(framing, limit)
      parser.bodyCapacityLimit = hold == nil ? .max : 0
      body = ArrivingBody(
        hold: hold, deadline: deadline, limits: limits, receivedAt: receivedAt, now: context.now)
    case .stream(let limit, let destination):
      try admit(framing, limit)
      parser.bodyCapacityLimit = .max
      body = ArrivingBody(to: destination, limits: limits, now: context.now)
    }
    state = .readingBody(body)
    readDeadline = body.deadline
    if !expectations.isEmpty, framing != .none, parser.bufferedByteCount == 0 {
      actions += write(ResponseSerializer.continueLine, context.now)
    }
    return nil
  }

  private mutating func admit(_ framing: BodyFraming, _ limit: Int) throws(ParseFailure) {
    if case .length(let length) = framing, length > limit {
      throw .tooLarge(413, "body", limit: limit)
    }
    parser.bodyByteLimit = limit
  }

  private mutating func handOut(_ head: RequestHead, mayPersist: Bool) {
    requestCount += 1
    turnRequestCount += 1
    readDeadline = nil
    state = .handling(
      keepAlive: mayPersist && head.persists && requestCount < limits.requestCountLimit)
  }

  private mutating func becomeIdle(_ now: Instant) {
    state = .idle
    readDeadline = now + limits.idleTimeout
  }
}
