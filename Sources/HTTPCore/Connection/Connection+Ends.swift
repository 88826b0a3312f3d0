/// Ends of waiting, of requests and of connections.
extension Connection {
  /// Ends what has taken too long.
  package mutating func tick(context: ConnectionContext) -> [Action] {
    if let writeDeadline, writeDeadline <= context.now { return close() }
    guard let deadline = state.deadline, deadline <= context.now else { return [] }
    switch state {
    case .idle, .lingering: return close()
    case .readingHead: return fail(.stalled("request head", "in time"), context)
    case .readingBody(var body):
      switch body.end(byteCount: parser.bodyByteCount, limits: limits, now: context.now) {
      case .failure(let failure): return fail(failure, context)
      case .answer(let response): return refuse(response, context)
      case nil:
        state = .readingBody(body)
        return []
      }
    case .handling, .writing, .finishing, .closed: return []
    }
  }

  /// Has answers say from now on that the connection ends; a head that has begun must soon be
  /// complete.
  package mutating func drain(at now: ContinuousClock.Instant) {
    isDraining = true
    guard case .readingHead(var head) = state else { return }
    head.deadline = min(head.deadline, now + limits.drainHeaderTimeout)
    state = .readingHead(head)
  }

  /// Ends a connection without a request in progress once the server drains. Where the first request
  /// of a new connection may be on its way, it has the rest of the connection's first second.
  package mutating func drainIdle(at now: ContinuousClock.Instant) -> [Action] {
    guard case .idle(let deadline) = state, awaitsFirstRequest, now < firstRequestDue else {
      return closeIdle()
    }
    state = .idle(deadline: min(deadline, firstRequestDue))
    return []
  }

  /// Ends a connection without a request in progress.
  package mutating func closeIdle() -> [Action] { isIdle ? close() : [] }

  /// Releases the buffers of an idle connection.
  package mutating func releaseMemory() { if isIdle { parser.releaseMemory() } }

  /// Stops reading ahead while a request is being answered.
  package mutating func holdBack() -> [Action] {
    guard isAnswering, !state.isPaused else { return [] }
    state.isPaused = true
    return [.pauseReading]
  }

  /// Ends the reading of a request with a failure that the connection's owner has found; does
  /// nothing while none is read.
  package mutating func refuseReading(
    _ failure: ParseFailure, _ context: ConnectionContext
  ) -> [Action] {
    switch state {
    case .readingHead, .readingBody: fail(failure, context)
    case .idle, .handling, .writing, .finishing, .lingering, .closed: []
    }
  }

  // MARK: Refusals

  /// Refuses the request being read.
  ///
  /// - Parameter head: The complete head of a request whose body is not read yet.
  mutating func fail(
    _ failure: ParseFailure, _ context: ConnectionContext, head: RequestHead? = nil
  ) -> [Action] {
    let head = head ?? state.head
    return refuse(
      context.answer(failure, head?.fields ?? parser.knownFields), context, head: head)
  }

  /// Answers at once, reads no further and ends.
  mutating func refuse(
    _ response: Response, _ context: ConnectionContext, head: RequestHead? = nil
  ) -> [Action] {
    let head = head ?? state.head
    let bytes = ResponseSerializer.bytes(
      response, date: context.date(),
      toHead: head.map { $0.method == "HEAD" } ?? parser.isToHead, closing: true,
      keepAliveToHTTP10: false)
    let receivedAt = state.receivedAt ?? context.now
    state = .finishing
    dropInput()
    return [.failed(head, response, receivedAt: receivedAt)] + write(bytes, context.now)
  }

  private mutating func dropInput() { parser = RequestParser(limits: limits.parser) }

  mutating func write(_ bytes: [UInt8], _ now: ContinuousClock.Instant) -> [Action] {
    writeDeadline = now + limits.writeTimeout
    return [.write(bytes)]
  }

  /// Ends writing, but goes on reading: closing at once could make the system take back an answer
  /// that the client has not read (RFC 9112, section 9.6).
  mutating func linger(_ now: ContinuousClock.Instant) -> [Action] {
    if clientHasFinished { return close() }
    state = .lingering(deadline: now + limits.lingerTimeout)
    dropInput()
    return [.shutdownWriting, .resumeReading]
  }

  mutating func close() -> [Action] {
    state = .closed
    writeDeadline = nil
    dropInput()
    return [.close]
  }
}
