package import HTTPCore

/// What is known of a request once it has been answered.
package struct ExchangeRecord: Sendable {
  /// Nil where the bytes were no request, or stopped before its head was complete.
  package var head: RequestHead?
  package var status: Int
  package var requestByteCount: Int
  package var responseByteCount: Int
  package var remoteAddress: String
  /// From the request's first byte to its answer.
  package var duration: Duration
  /// The answer's `X-Request-Id`.
  package var requestID: String?
}
