/// State machine of one connection: events go in, actions come out, nothing is done here.
///
///     idle -> readingHead -> readingBody -> handling -> writing -> idle ...
///                                                    `> finishing -> lingering -> closed
///
/// Requests are handled one at a time and answered in their order (RFC 9112, section 9.3.2).
/// Following ones wait in the buffer until the answer is written, so that a client that does not
/// read holds no more than one. After a few of them, or of their chunks, the connection yields to
/// others. Times are instants of the caller's clock, so that a test can be its own clock.
package struct Connection: Sendable {
  package enum Action: Sendable, Hashable {
    /// Send these bytes, after those still being sent.
    case write([UInt8])
    /// Have the request answered, and call `respond` with the answer; its body arrived within
    /// `readDuration` after its head.
    case handle(Request, receivedAt: ContinuousClock.Instant, readDuration: Duration)
    /// Hand over the next part of a body that is streamed.
    case part([UInt8], to: BodyDestination)
    /// Call `respond` with this answer: the route needs no body.
    case answer(RequestHead, Response, receivedAt: ContinuousClock.Instant)
    /// Log this answer to bytes that cannot be read as a request; the head if it was complete.
    case failed(RequestHead?, Response, receivedAt: ContinuousClock.Instant)
    /// Call `proceed` when other ready connections have had their turn; nothing is read until then.
    case yield
    /// Read nothing more until `resumeReading`.
    case pauseReading
    case resumeReading
    /// Send nothing more, but read and throw away what still comes.
    case shutdownWriting
    case close
  }

  let limits: ConnectionLimits
  var parser: RequestParser
  var state: ConnectionState
  private var requestCount = 0
  /// Requests handed out in the turn in progress.
  private var turnRequestCount = 0
  private let openedAt: ContinuousClock.Instant
  var isDraining = false
  var clientHasFinished = false
  /// Instant by which the client must take more of what is being written; nil while nothing is.
  var writeDeadline: ContinuousClock.Instant?

  package init(limits: ConnectionLimits, now: ContinuousClock.Instant) {
    self.limits = limits
    openedAt = now
    parser = RequestParser(limits: limits.parser)
    state = .idle(deadline: now + limits.headerTimeout)
    beginTurn()
  }

  /// Instant at which `tick` has something to do.
  package var deadline: ContinuousClock.Instant? {
    guard let readDeadline = state.deadline, let writeDeadline else {
      return state.deadline ?? writeDeadline
    }
    return min(readDeadline, writeDeadline)
  }

  package var isClosed: Bool { if case .closed = state { true } else { false } }

  /// Whether nothing of a request has arrived.
  package var isIdle: Bool { if case .idle = state { true } else { false } }

  /// Instant since which an incomplete head has been arriving; nil while none is, or while it is
  /// the server that makes it wait.
  package var headReceivedSince: ContinuousClock.Instant? {
    if case .readingHead(let head) = state, !head.isYielding { head.receivedAt } else { nil }
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

  /// Instant by which a drain wants the first request of a new connection to have begun.
  var firstRequestDue: ContinuousClock.Instant { openedAt + limits.drainHeaderTimeout }

  /// Memory that the client takes here, except for a body that has a hold of its own.
  package var heldByteCount: Int {
    switch state {
    case .readingBody(let body):
      parser.bufferCapacity + body.headByteCount + (body.hold == nil ? parser.bodyCapacity : 0)
    case .handling(let request): parser.bufferCapacity + request.headByteCount
    case .idle, .readingHead, .writing, .finishing, .lingering, .closed: parser.bufferCapacity
    }
  }

  // MARK: Events

  /// Takes bytes that have arrived. The route is asked once per request, when its head is complete.
  package mutating func receive(
    _ bytes: some Collection<UInt8>, context: ConnectionContext
  ) -> [Action] {
    switch state {
    case .finishing, .lingering, .closed: return []
    case .idle, .readingHead, .readingBody:
      parser.append(bytes)
      guard !state.isYielding else { return [] }
      beginTurn()
      return advance(context)
    case .handling, .writing:
      parser.append(bytes)
      return isFull ? holdBack() : []
    }
  }

  /// Goes on after `yield`, when others have had their turn.
  package mutating func proceed(context: ConnectionContext) -> [Action] {
    guard state.isYielding else { return [] }
    state.isYielding = false
    beginTurn()
    return advance(context)
  }

  /// Notes that the client will send nothing more; it may still read (a half-closed connection).
  package mutating func receiveEnd() -> [Action] {
    clientHasFinished = true
    if state.isYielding { return [.pauseReading] }
    switch state {
    case .handling, .writing, .finishing: return [.pauseReading]
    case .idle, .readingHead, .readingBody, .lingering: return close()
    case .closed: return []
    }
  }

  /// Takes the answer to the request handed out last.
  package mutating func respond(
    _ response: Response, context: ConnectionContext
  ) -> [Action] {
    guard case .handling(let request) = state else { return [] }
    let stays =
      request.keepsAlive && !isDraining && !response.closesConnection
      && !(clientHasFinished && parser.bufferedByteCount == 0)
    state = stays ? .writing(isPaused: request.isPaused) : .finishing
    let bytes = ResponseSerializer.bytes(
      response, date: context.date(), toHead: request.isToHead, closing: !stays,
      keepAliveToHTTP10: request.isHTTP10)
    return write(bytes, context.now)
  }

  /// Notes that bytes have been sent; `all` says whether none are left.
  package mutating func wrote(all: Bool, context: ConnectionContext) -> [Action] {
    writeDeadline = all ? nil : context.now + limits.writeTimeout
    guard all else { return [] }
    switch state {
    case .writing(let isPaused):
      becomeIdle(context.now)
      let actions = advance(context)
      guard isPaused, !clientHasFinished else { return actions }
      guard isFull, isAnswering else { return actions + [.resumeReading] }
      state.isPaused = true
      return actions
    case .finishing: return linger(context.now)
    case .idle, .readingHead, .readingBody, .handling, .lingering, .closed: return []
    }
  }

  // MARK: Progress

  private mutating func beginTurn() {
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
          beginHead(context.now)
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
          guard beginBody(head, framing, &actions, context) else { return actions }
        case .end(let bytes, let trailers):
          guard case .readingBody(let body) = state else { return actions }
          handOut(body.head, headByteCount: body.headByteCount, mayPersist: true)
          return actions + Self.handle(bytes, trailers, body, context.now)
        }
      }
    } catch {
      return actions + fail(error, context)
    }
  }

  private static func handle(
    _ bytes: [UInt8], _ trailers: HeaderFields, _ body: ArrivingBody, _ now: ContinuousClock.Instant
  ) -> [Action] {
    let request = Request(
      head: body.head, body: body.destination == nil ? bytes : [], trailers: trailers,
      hold: body.hold)
    let handle = Action.handle(
      request, receivedAt: body.receivedAt, readDuration: now - body.headReceivedAt)
    guard let destination = body.destination, !bytes.isEmpty else { return [handle] }
    return [.part(bytes, to: destination), handle]
  }

  /// Hands over the part of a streamed body that has arrived; nothing of another body.
  private mutating func handOverPart() -> [Action] {
    guard case .readingBody(let body) = state, let destination = body.destination else { return [] }
    let part = parser.takePart()
    return part.isEmpty ? [] : [.part(part, to: destination)]
  }

  /// Lets the body's buffer grow; where its hold has no room, the answer instead.
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

  /// Lets others come first.
  private mutating func yield() -> [Action] {
    state.isYielding = true
    return [.yield]
  }

  /// Waits, or ends where nothing more will come: what has arrived holds no further event.
  private mutating func waitForMore(_ now: ContinuousClock.Instant) -> [Action] {
    // Empty lines after a request do not begin another.
    if case .readingHead = state, parser.isBetweenRequests { becomeIdle(now) }
    if clientHasFinished { return close() }
    if isDraining, isIdle { return linger(now) }
    return []
  }

  private mutating func beginHead(_ now: ContinuousClock.Instant) {
    state = .readingHead(
      ArrivingHead(
        receivedAt: now, deadline: now + min(limits.headerTimeout, limits.requestTimeout)))
  }

  /// Asks the route about a complete head; false where the request is not read any further.
  private mutating func beginBody(
    _ head: RequestHead, _ framing: BodyFraming, _ actions: inout [Action],
    _ context: ConnectionContext
  ) -> Bool {
    guard case .readingHead(let arriving) = state else { return false }
    do throws(ParseFailure) {
      let expectsContinue = try Self.expectsContinue(head)
      let body: ArrivingBody
      switch context.route(head) {
      case .answer(let response):
        // Without a body the connection is in step with the client and may go on.
        if framing == .none { _ = try parser.next() }
        handOut(head, headByteCount: head.byteCount, mayPersist: framing == .none)
        actions.append(.answer(head, response, receivedAt: arriving.receivedAt))
        return false
      case .accept(let limit, let hold, let deadline):
        try admit(framing, limit)
        parser.bodyCapacityLimit = hold == nil ? .max : 0
        body = ArrivingBody(
          of: head, arriving.receivedAt, hold: hold, deadline: deadline, limits: limits,
          now: context.now)
      case .stream(let limit, let destination):
        try admit(framing, limit)
        parser.bodyCapacityLimit = .max
        body = ArrivingBody(
          of: head, arriving.receivedAt, to: destination, limits: limits, now: context.now)
      }
      state = .readingBody(body)
      if expectsContinue, framing != .none, parser.bufferedByteCount == 0 {
        actions += write(ResponseSerializer.continueLine, context.now)
      }
      return true
    } catch {
      actions += fail(error, context, head: head)
      return false
    }
  }

  /// Whether the client waits for `100 Continue` (RFC 9110, section 10.1.1).
  private static func expectsContinue(_ head: RequestHead) throws(ParseFailure) -> Bool {
    let expectations = head.version == .http11 ? head.fields.tokens(of: "Expect") : []
    guard expectations.allSatisfy({ $0 == "100-continue" }) else {
      throw ParseFailure(
        status: 417, kind: .expectation, detail: "the only expectation met here is 100-continue")
    }
    return !expectations.isEmpty
  }

  private mutating func admit(_ framing: BodyFraming, _ limit: Int) throws(ParseFailure) {
    if case .length(let length) = framing, length > limit {
      throw .tooLarge(413, "body", limit: limit)
    }
    parser.bodyByteLimit = limit
  }

  private mutating func handOut(_ head: RequestHead, headByteCount: Int, mayPersist: Bool) {
    requestCount += 1
    turnRequestCount += 1
    state = .handling(
      UnansweredRequest(
        head, headByteCount: headByteCount,
        keepsAlive: mayPersist && head.persists && requestCount < limits.requestCountLimit))
  }

  private mutating func becomeIdle(_ now: ContinuousClock.Instant) {
    state = .idle(deadline: now + limits.idleTimeout)
  }
}
