import HTTPCore

/// Admission of a connection's requests, by its place and its client.
extension ServerConnection {
  func context(_ now: ContinuousClock.Instant) -> ConnectionContext {
    var context = loop.context(now) { [unowned self] head in
      let reception = route(head)
      handling = reception.handling
      return reception.decision
    }
    context.answer = { [unowned self, answer = context.answer] failure, fields in
      handling?.refuse?(failure) ?? answer(failure, fields)
    }
    return context
  }

  private func route(_ head: RequestHead) -> Reception {
    let handler = loop.server.handler
    guard !place.isOrdinary || loop.server.clients != nil, !handler.isEssential(head),
      let failure = refusal(head)
    else { return handler.receive(head, from: peer.text) }
    return .answer(handler.answer(failure, fields: head.fields))
  }

  /// Reason for which a request that is not essential is not served; nil where it is.
  private func refusal(_ head: RequestHead) -> ParseFailure? {
    let clients = loop.server.clients
    switch place {
    case .reserve:
      return ParseFailure(
        status: 503, kind: .overloaded, detail: "all connections are in use; try again later",
        retryAfterSeconds: 1)
    case .overClientLimit: return Self.tooManyConnections(clients)
    case .ordinary: break
    }
    guard let clients, let address = peer.address else { return nil }
    let client = clients.limits.client(of: address, head.fields)
    if let delay = clients.delay(of: client, now: .now) {
      return ParseFailure(
        status: 429, kind: .clientRequestRate,
        detail: "more than \(clients.limits.requestRate ?? 0) requests per second of one client",
        retryAfterSeconds: SteadyRate.retryAfterSeconds(delay))
    }
    if clients.limits.trusts(address) {
      guard clients.enter(client) else { return Self.tooManyConnections(clients) }
      forwardedClient = client
    }
    return nil
  }

  private static func tooManyConnections(_ clients: ClientTable?) -> ParseFailure {
    ParseFailure(
      status: 429, kind: .clientConnectionLimit,
      detail: "more than \(clients?.limits.connectionLimit ?? 0) connections of one client",
      retryAfterSeconds: 1)
  }

  func leaveForwarded() {
    if let forwardedClient { loop.server.clients?.leave(forwardedClient) }
    forwardedClient = nil
  }
}
