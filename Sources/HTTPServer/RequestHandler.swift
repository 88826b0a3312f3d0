package import HTTPCore

/// What a server serves. All calls come on connections' queues and must not block.
package protocol RequestHandler: Sendable {
  /// A request's head is complete; its body has not been read, nor `100 Continue` sent.
  func receive(_ head: RequestHead) -> HeadDecision

  /// The same for a handler that treats clients by their address, which is what the connection shows.
  func receive(_ head: RequestHead, from address: String) -> HeadDecision

  /// Whether a request is served also where all places of connections are taken, and without limits for its client:
  /// probes, and what administrators send.
  func isEssential(_ head: RequestHead) -> Bool

  /// What to say of bytes that are not a request, or of a request that the server itself refuses; with the fields that
  /// are known of it, nil where none have arrived.
  func answer(_ failure: ParseFailure, fields: HeaderFields?) -> Response

  /// A request is complete. `exchange` must be answered, from any thread, now or later.
  func handle(_ request: Request, _ exchange: Exchange)

  /// An answer has been handed to the connection, for the access log and for counting.
  func finished(_ record: ExchangeRecord)

  /// The system has taken the last byte of an answer, so long after `finished`; not called where the connection
  /// ended before. The head is nil where the bytes were no request.
  func written(_ head: RequestHead?, after duration: Duration)
}

extension RequestHandler {
  package func isEssential(_ head: RequestHead) -> Bool { false }
  package func receive(_ head: RequestHead, from address: String) -> HeadDecision { receive(head) }
}
