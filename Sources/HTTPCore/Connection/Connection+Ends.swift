/// How waiting, requests and connections come to their ends.
extension Connection {
  /// Ends what has taken too long.
  package mutating func tick(context: ConnectionContext) -> [Action] {
    if let writeDeadline, writeDeadline <= context.now { return close() }
    guard let readDeadline, readDeadline <= context.now else { return [] }
    switch state {
    case .idle, .lingering: return close()
    case .readingHead: return fail(.stalled("request head", "in time"), context)
    case .readingBody(var body):
      switch body.end(byteCount: parser.bodyByteCount, limits: limits, now: context.now) {
      case .failure(let failure): return fail(failure, context)
      case .answer(let response): return refuse(response, context)
      case nil:
        self.readDeadline = body.deadline
        state = .readingBody(body)
        return []
      }
    case .handling, .writing, .finishing, .closed: return []
    }
  }

  /// Answers say from now on that the connection ends, and a head that has begun must soon be complete.
  package mutating func drain(at now: Instant) {
    isDraining = true
    guard case .readingHead = state, let readDeadline else { return }
    self.readDeadline = min(readDeadline, now + limits.drainHeaderTimeout)
  }

  /// Ends a connection without a request in progress.
  package mutating func closeIdle() -> [Action] { isIdle ? close() : [] }

  /// Gives back buffers of an idle connection.
  package mutating func releaseMemory() { if isIdle { parser.releaseMemory() } }

  /// Reads no further ahead while a request is being answered.
  package mutating func holdBack() -> [Action] {
    guard isAnswering, !isPaused else { return [] }
    isPaused = true
    return [.pauseReading]
  }

  /// Ends the reading of a request with a failure that the connection's owner has found; nothing while none is read.
  package mutating func refuseReading(
    _ failure: ParseFailure, _ context: ConnectionContext
  ) -> [Action] {
    switch state {
    case .readingHead, .readingBody: fail(failure, context)
    case .idle, .handling, .writing, .finishing, .lingering, .closed: []
    }
  }

  // MARK: Refusals

  mutating func fail(
    _ failure: ParseFailure, _ context: ConnectionContext
  ) -> [Action] {
    refuse(context.answer(failure, head?.fields ?? parser.knownFields), context)
  }

  /// Answers at once, reads no further and ends.
  mutating func refuse(_ response: Response, _ context: ConnectionContext) -> [Action] {
    let bytes = ResponseSerializer.bytes(
      response, date: context.date(),
      toHead: head.map { $0.method == "HEAD" } ?? parser.isToHead, closing: true,
      keepAliveToHTTP10: false)
    defer { forgetRequest() }
    state = .finishing
    readDeadline = nil
    return [.failed(head, response, receivedAt: receivedAt)] + write(bytes, context.now)
  }

  private mutating func forgetRequest() {
    isYielding = false
    head = nil
    headByteCount = 0
    parser = RequestParser(limits: limits.parser)
  }

  mutating func write(_ bytes: [UInt8], _ now: Instant) -> [Action] {
    writeDeadline = now + limits.writeTimeout
    return [.write(bytes)]
  }

  /// Closing at once could make the system take back an answer that the client has not read (RFC 9112, section 9.6).
  mutating func linger(_ now: Instant) -> [Action] {
    if clientHasFinished { return close() }
    forgetRequest()
    state = .lingering
    readDeadline = now + limits.lingerTimeout
    return [.shutdownWriting, .resumeReading]
  }

  mutating func close() -> [Action] {
    state = .closed
    forgetRequest()
    readDeadline = nil
    writeDeadline = nil
    return [.close]
  }
}
