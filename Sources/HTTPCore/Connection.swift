/// One connection's life as a pure state machine: events go in, actions come out, nothing is done here.
///
/// Requests are handled one at a time and answered in their order (RFC 9112, section 9.3.2); following ones wait in
/// the buffer. Times are instants of the caller's clock, so that a test can be its own clock.
package struct Connection: Sendable {
  package typealias Instant = ContinuousClock.Instant

  package enum Action: Sendable, Hashable {
    /// Send these bytes, behind those still being sent.
    case write([UInt8])
    /// Have the request answered, and call `respond` with the answer.
    case handle(Request, receivedAt: Instant)
    /// Call `respond` with this answer: the route wants no body.
    case refuse(RequestHead, Response, receivedAt: Instant)
    /// What cannot be read as a request has been answered so, for the log.
    case failed(Response)
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
    case readingBody(RequestHead)
    case handling(toHead: Bool, http10: Bool, keepAlive: Bool)
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
  private var hasUnwrittenBytes = false
  /// When the request in progress began to arrive.
  private var receivedAt: Instant
  /// Bytes of the body that must have arrived by the deadline.
  private var bodyByteCount = 0
  private var countedByteCount = 0

  /// When `tick` has something to do; nil while a request is being answered.
  package private(set) var deadline: Instant?
  private var writeDeadline: Instant?

  package init(limits: ConnectionLimits, now: Instant) {
    self.limits = limits
    parser = RequestParser(limits: limits.parser)
    receivedAt = now
    deadline = now + limits.headerTimeout
  }

  package var isClosed: Bool { if case .closed = state { true } else { false } }

  /// Whether a request is being read or answered.
  package var isActive: Bool {
    switch state {
    case .idle, .lingering, .closed: false
    case .readingHead, .readingBody, .handling, .finishing: true
    }
  }

  // MARK: Events

  /// Bytes have arrived. The route is asked once per request, when its head is complete.
  package mutating func receive(
    _ bytes: some Sequence<UInt8>, context: ConnectionContext
  ) -> [Action] {
    switch state {
    case .finishing, .lingering, .closed: return []
    case .idle, .readingHead, .readingBody, .handling: break
    }
    parser.append(bytes)
    if case .handling = state {
      guard parser.bufferedByteCount > limits.pipelineByteLimit, !isPaused else { return [] }
      isPaused = true
      return [.pauseReading]
    }
    return advance(context)
  }

  /// The client will send nothing more, but may still read (a half-closed connection).
  package mutating func receiveEnd() -> [Action] {
    clientHasFinished = true
    switch state {
    case .handling, .finishing: return [.pauseReading]
    case .idle, .readingHead, .readingBody, .lingering: return close()
    case .closed: return []
    }
  }

  /// The answer to the request handed out last.
  package mutating func respond(
    _ response: Response, context: ConnectionContext
  ) -> [Action] {
    guard case .handling(let toHead, let http10, let keepAlive) = state else { return [] }
    let stays = keepAlive && !isDraining && !(clientHasFinished && parser.bufferedByteCount == 0)
    let bytes = ResponseSerializer.bytes(
      response, date: context.date(), toHead: toHead, closing: !stays, keepAliveToHTTP10: http10)
    var actions = write(bytes, context.now)
    guard stays else {
      finish()
      return actions
    }
    becomeIdle(context.now)
    actions += advance(context)
    if isPaused, !clientHasFinished {
      isPaused = false
      actions.append(.resumeReading)
    }
    return actions
  }

  /// Some bytes have been sent; `all` says whether none are left.
  package mutating func wrote(all: Bool, now: Instant) -> [Action] {
    hasUnwrittenBytes = !all
    writeDeadline = all ? nil : now + limits.writeTimeout
    guard all, case .finishing = state else { return [] }
    if clientHasFinished { return close() }
    state = .lingering
    deadline = now + limits.lingerTimeout
    return [.shutdownWriting, .resumeReading]
  }

  /// Ends what has taken too long.
  package mutating func tick(context: ConnectionContext) -> [Action] {
    if let writeDeadline, writeDeadline <= context.now { return close() }
    guard let deadline, deadline <= context.now else { return [] }
    switch state {
    case .idle, .lingering: return close()
    case .readingHead: return fail(Self.stalled("request head"), context)
    case .readingBody:
      guard bodyByteCount - countedByteCount < limits.bodyProgressByteCount else {
        countedByteCount = bodyByteCount
        self.deadline = context.now + limits.bodyTimeout
        return []
      }
      return fail(Self.stalled("body"), context)
    case .handling, .finishing, .closed: return []
    }
  }

  /// No further request will be taken; one in progress is answered first.
  package mutating func drain() -> [Action] {
    isDraining = true
    if case .idle = state, !hasUnwrittenBytes { return close() }
    return []
  }

  /// Gives back buffers of an idle connection.
  package mutating func releaseMemory() { if case .idle = state { parser.releaseMemory() } }

  // MARK: Progress

  private mutating func advance(
    _ context: ConnectionContext
  ) -> [Action] {
    var actions: [Action] = []
    do throws(ParseFailure) {
      while true {
        if case .idle = state, !parser.isBetweenRequests {
          state = .readingHead
          receivedAt = context.now
          deadline = context.now + limits.headerTimeout
        }
        let buffered = parser.bufferedByteCount
        guard let event = try parser.next() else {
          if case .readingBody = state { bodyByteCount += buffered - parser.bufferedByteCount }
          return actions
        }
        switch event {
        case .head(let head, let framing):
          if let refusal = try decide(head, framing, &actions, context) {
            // Without a body the connection is in step with the client and may go on.
            if framing == .none { _ = try parser.next() }
            handOut(head, mayPersist: framing == .none)
            return actions + [.refuse(head, refusal, receivedAt: receivedAt)]
          }
        case .end(let body, let trailers):
          guard case .readingBody(let head) = state else { return actions }
          handOut(head, mayPersist: true)
          let request = Request(head: head, body: body, trailers: trailers)
          return actions + [.handle(request, receivedAt: receivedAt)]
        }
      }
    } catch {
      return actions + fail(error, context)
    }
  }

  /// Asks the route; its refusal, or nil when the body is to be read.
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
    case .refuse(let response): return response
    case .accept(let limit):
      if case .length(let length) = framing, length > limit {
        throw .tooLarge(413, "body", limit: limit)
      }
      parser.bodyByteLimit = limit
    }
    state = .readingBody(head)
    bodyByteCount = 0
    countedByteCount = 0
    deadline = context.now + limits.bodyTimeout
    if !expectations.isEmpty, framing != .none, parser.bufferedByteCount == 0 {
      actions += write(ResponseSerializer.continueLine, context.now)
    }
    return nil
  }

  private mutating func handOut(_ head: RequestHead, mayPersist: Bool) {
    requestCount += 1
    deadline = nil
    let options = head.fields.tokens(of: "Connection")
    let persists =
      head.version == .http11 ? !options.contains("close") : options.contains("keep-alive")
    state = .handling(
      toHead: head.method == "HEAD", http10: head.version == .http10,
      keepAlive: mayPersist && persists && requestCount < limits.requestCountLimit)
  }

  private mutating func becomeIdle(_ now: Instant) {
    state = .idle
    deadline = now + limits.idleTimeout
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
      response, date: context.date(), toHead: false, closing: true, keepAliveToHTTP10: false)
    finish()
    return [.failed(response)] + write(bytes, context.now)
  }

  private mutating func write(_ bytes: [UInt8], _ now: Instant) -> [Action] {
    hasUnwrittenBytes = true
    writeDeadline = now + limits.writeTimeout
    return [.write(bytes)]
  }

  /// After the last answer: `wrote` goes on when it is sent.
  private mutating func finish() {
    state = .finishing
    deadline = nil
  }

  private mutating func close() -> [Action] {
    state = .closed
    deadline = nil
    writeDeadline = nil
    return [.close]
  }
}
