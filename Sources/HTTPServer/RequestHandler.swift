package import HTTPCore

/// Handler of a server's requests. All calls come on connections' queues and must not block.
package protocol RequestHandler: Sendable {
  /// Decides about a request whose head is complete; its body has not been read, nor `100 Continue`
  /// sent. `address` is the client's, as the connection shows it.
  func receive(_ head: RequestHead, from address: String) -> Reception

  /// Whether a request is served also where all places of connections are taken, and without limits
  /// for its client: a probe, or an administrator's.
  func isEssential(_ head: RequestHead) -> Bool

  /// Answers bytes that are not a request, or a request that the server itself refuses.
  ///
  /// - Parameter fields: Fields that are known of it; nil where none have arrived.
  func answer(_ failure: ParseFailure, fields: HeaderFields?) -> Response

  /// Notes that an answer has been handed to the connection, for the access log and for counting.
  func finished(_ record: ExchangeRecord)

  /// Notes that the system has taken the last byte of an answer, so long after `finished`.
  ///
  /// Not called where the connection ended before. The head is nil where the bytes were not a
  /// request.
  func written(_ head: RequestHead?, after duration: Duration)
}

extension RequestHandler {
  package func isEssential(_ head: RequestHead) -> Bool { false }
}
