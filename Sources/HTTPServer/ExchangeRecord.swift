package import HTTPCore

/// Facts of a request that has been answered.
package struct ExchangeRecord: Sendable {
  /// Head of the request; nil where the bytes were not a request, or stopped before its head was
  /// complete.
  package var head: RequestHead?
  package var status: Int
  /// Bytes of the request's body.
  package var requestByteCount = 0
  /// Bytes of the answer's body.
  package var responseByteCount = 0
  package var remoteAddress: String
  /// Time from the request's first byte to its answer.
  package var duration: Duration
  /// Time from the head's last byte to the body's; nil where there was no body or it was not read.
  package var readDuration: Duration?
  /// The answer's `X-Request-Id`.
  package var requestID: String?
  /// Name of the API key that it was asked with; nil where none was needed or known.
  package var keyName: String?

  package init(
    head: RequestHead?, status: Int, remoteAddress: String, duration: Duration
  ) {
    self.head = head
    self.status = status
    self.remoteAddress = remoteAddress
    self.duration = duration
  }
}
