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
  /// From the head's last byte to the body's; nil where there was no body or it was not read.
  package var readDuration: Duration?
  /// The answer's `X-Request-Id`.
  package var requestID: String?

  package init(
    head: RequestHead?, status: Int, requestByteCount: Int = 0, responseByteCount: Int = 0,
    remoteAddress: String, duration: Duration, readDuration: Duration? = nil,
    requestID: String? = nil
  ) {
    self.head = head
    self.status = status
    self.requestByteCount = requestByteCount
    self.responseByteCount = responseByteCount
    self.remoteAddress = remoteAddress
    self.duration = duration
    self.readDuration = readDuration
    self.requestID = requestID
  }
}
