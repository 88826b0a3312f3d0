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
  /// Time at which the request's first byte came; by default, `duration` ago.
  package var receivedAt: ContinuousClock.Instant
  /// Stages that it has passed, in the order of their beginnings.
  package var stages: [TimedStage] = []
  /// Address of the client for which a trusted proxy has sent it; nil where none has.
  package var forwardedAddress: NetworkAddress?
  /// The answer's `X-Request-Id`.
  package var requestID: String?
  /// Facts about the answer.
  package var notes = AnswerNotes()

  package init(
    head: RequestHead?, status: Int, remoteAddress: String, duration: Duration
  ) {
    self.head = head
    self.status = status
    self.remoteAddress = remoteAddress
    self.duration = duration
    receivedAt = .now - duration
  }
}
