/// One connection's life as a pure state machine: events go in, actions come out, nothing is done here.
///
/// Requests are handled one at a time and answered in their order (RFC 9112, section 9.3.2); following ones wait in
/// the buffer until the answer is written, so that a client that does not read holds no more than one. Times are instants of the caller's clock, so that a test can be its own clock.
package struct Connection: Sendable {
  package typealias Instant = ContinuousClock.Instant

  package enum Action: Sendable, Hashable {
    /// Send these bytes, behind those still being sent.
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
    /// No more bytes are wanted until `resumeReading`.
    case pauseReading
    case resumeReading
    /// Send nothing more, but read and throw away what still comes.
    case shutdownWriting
    case close
  }

  private enum State: Sendable {
    case idle
    case readingHead
    case readingBody
    case handling(keepAlive: Bool)
    /// An answer is being written, after which the next request's turn comes.
    case writing
    /// The last answer is being written, after which writing ends.
    case finishing
    case lingering
    case closed
  }

  private let limits: ConnectionLimits
  private var parser: RequestParser
  private var state = State.idle
  private var requestCount = 0
  private var isDraining = false
  private var clientHasFinished = false
  private var isPaused = false
  /// Of the request in progress, once complete.
  private var head: RequestHead?
  /// When the request in progress began to arrive, or its turn came.
  private var receivedAt: Instant
  /// When the head of the request in progress was complete.
  private var headReceivedAt: Instant
  /// Bytes of the body that must have arrived by the deadline.
  private var bodyByteCount = 0
  private var countedByteCount = 0
  /// Where the body in progress goes, if it is streamed.
  private var destination: BodyDestination?

  /// Of what the client owes; nil while a request is being answered.
  private var readDeadline: Instant?
  private var writeDeadline: Instant?

  package init(limits: ConnectionLimits, now: Instant) {
    self.limits = limits
    parser = RequestParser(limits: limits.parser)
    receivedAt = now
    headReceivedAt = now
    readDeadline = now + limits.headerTimeout
  }

  /// When `tick` has something to do.
  package var deadline: Instant? {
    guard let readDeadline, let writeDeadline else { return readDeadline ?? writeDeadline }
    return min(readDeadline, writeDeadline)
  }

  package var isClosed: Bool { if case .closed = state { true } else { false } }

  /// Whether a request is being read or answered.
  package var isActive: Bool {
    switch state {
    case .idle, .lingering, .closed: false
    case .readingHead, .readingBody, .handling, .writing, .finishing: true
    }
  }

  // MARK: Events

  /// Bytes have arrived. The route is asked once per request, when its head is complete.
  package mutating func receive(
    _ bytes: some Sequence<UInt8>, context: ConnectionContext
  ) -> [Action] {
    switch state {
    case .finishing, .lingering, .closed: return []
    case .idle, .readingHead, .readingBody:
      parser.append(bytes)
      return advance(context)
    case .handling, .writing:
      parser.append(bytes)
      guard isFull, !isPaused else { return [] }
      isPaused = true
      return [.pauseReading]
    }
  }

  /// The client will send nothing more, but may still read (a half-closed connection).
  package mutating func receiveEnd() -> [Action] {
    clientHasFinished = true
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

  /// Ends what has taken too long.
  package mutating func tick(context: ConnectionContext) -> [Action] {
    if let writeDeadline, writeDeadline <= context.now { return close() }
    guard let readDeadline, readDeadline <= context.now else { return [] }
    switch state {
    case .idle, .lingering: return close()
    case .readingHead: return fail(Self.stalled("request head"), context)
    case .readingBody:
      guard bodyByteCount - countedByteCount < limits.bodyProgressByteCount else {
        countedByteCount = bodyByteCount
        self.readDeadline = context.now + limits.bodyTimeout
        return []
      }
      return fail(Self.stalled("body"), context)
    case .handling, .writing, .finishing, .closed: return []
    }
  }

  /// Answers say from now on that the connection ends.
  package mutating func drain() { isDraining = true }

  /// Ends a connection without a request in progress.
  package mutating func closeIdle() -> [Action] {
    if case .idle = state { close() } else { [] }
  }

  /// Gives back buffers of an idle connection.
  package mutating func releaseMemory() { if case .idle = state { parser.releaseMemory() } }

  // MARK: Progress

  private var isAnswering: Bool {
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
        if case .idle = state, !parser.isBetweenRequests {
          state = .readingHead
          receivedAt = context.now
          readDeadline = context.now + limits.headerTimeout
        }
        let buffered = parser.bufferedByteCount
        guard let event = try parser.next() else {
          if case .readingBody = state { bodyByteCount += buffered - parser.bufferedByteCount }
          let part = destination == nil ? [] : parser.takePart()
          return actions + handOver(part) + waitForMore(context.now)
        }
        switch event {
        case .head(let head, let framing):
          self.head = head
          if let answer = try decide(head, framing, &actions, context) {
            // Without a body the connection is in step with the client and may go on.
            if framing == .none { _ = try parser.next() }
            handOut(head, mayPersist: framing == .none)
            return actions + [.answer(head, answer, receivedAt: receivedAt)]
          }
        case .end(let body, let trailers):
          guard case .readingBody = state, let head else { return actions }
          handOut(head, mayPersist: true)
          let request = Request(
            head: head, body: destination == nil ? body : [], trailers: trailers,
            destination: destination)
          actions += handOver(body)
          destination = nil
          let readDuration = context.now - headReceivedAt
          return actions + [
            .handle(request, receivedAt: receivedAt, readDuration: readDuration)
          ]
        }
      }
    } catch {
      return actions + fail(error, context)
    }
  }

  /// The part of a streamed body that has arrived; nothing for another body.
  private func handOver(_ part: [UInt8]) -> [Action] {
    guard let destination, !part.isEmpty else { return [] }
    return [.part(part, to: destination)]
  }

  /// No more can be made of what has arrived.
  private mutating func waitForMore(_ now: Instant) -> [Action] {
    // Empty lines behind a request begin no other.
    if case .readingHead = state, parser.isBetweenRequests { becomeIdle(now) }
    if clientHasFinished { return close() }
    if isDraining, case .idle = state { return linger(now) }
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
        status: 417, kind: "expectation", detail: "the only expectation met here is 100-continue")
    }
    switch context.route(head) {
    case .answer(let response): return response
    case .accept(let limit): try admit(framing, limit)
    case .stream(let limit, let destination):
      try admit(framing, limit)
      self.destination = destination
    }
    state = .readingBody
    headReceivedAt = context.now
    bodyByteCount = 0
    countedByteCount = 0
    readDeadline = context.now + limits.bodyTimeout
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
    readDeadline = nil
    // RFC 9112, section 9.3.
    let options = head.fields.tokens(of: "Connection")
    let persists =
      !options.contains("close") && (head.version == .http11 || options.contains("keep-alive"))
    state = .handling(
      keepAlive: mayPersist && persists && requestCount < limits.requestCountLimit)
  }

  private mutating func becomeIdle(_ now: Instant) {
    state = .idle
    readDeadline = now + limits.idleTimeout
  }

  // MARK: Ends

  private static func stalled(_ what: String) -> ParseFailure {
    ParseFailure(
      status: 408, kind: "request-timeout", detail: "the \(what) did not arrive in time")
  }

  private mutating func fail(
    _ failure: ParseFailure, _ context: ConnectionContext
  ) -> [Action] {
    let response = context.answer(failure)
    let bytes = ResponseSerializer.bytes(
      response, date: context.date(), toHead: head?.method == "HEAD", closing: true,
      keepAliveToHTTP10: false)
    state = .finishing
    readDeadline = nil
    destination = nil
    return [.failed(head, response, receivedAt: receivedAt)] + write(bytes, context.now)
  }

  private mutating func write(_ bytes: [UInt8], _ now: Instant) -> [Action] {
    writeDeadline = now + limits.writeTimeout
    return [.write(bytes)]
  }

  /// Closing at once could make the system take back an answer that the client has not read (RFC 9112, section 9.6).
  private mutating func linger(_ now: Instant) -> [Action] {
    if clientHasFinished { return close() }
    state = .lingering
    readDeadline = now + limits.lingerTimeout
    return [.shutdownWriting, .resumeReading]
  }

  private mutating func close() -> [Action] {
    state = .closed
    destination = nil
    readDeadline = nil
    writeDeadline = nil
    return [.close]
  }
}
