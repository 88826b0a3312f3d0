/// Way to a collector, for one thread.
package protocol SpanTransport {
  /// Sends a body of `SpanDocument` once, and waits for the answer.
  func send(_ body: [UInt8]) -> SpanDelivery
}

/// Outcome of sending a batch once (OTLP/HTTP, "Failures" and "Throttling").
package enum SpanDelivery: Sendable, Hashable {
  /// The collector has it.
  case taken
  /// The collector has it but for so many spans, which it will not have.
  case partlyTaken(refusedCount: Int, reason: String)
  /// It may be sent again, after a time if the collector names one.
  case postponed(reason: String, after: Duration? = nil)
  /// It must not be sent again.
  case refused(reason: String)

  private static let postponingStatuses = [429, 502, 503, 504]

  /// Judges the status of an answer that is not a success.
  ///
  /// - Parameter delay: Time of its `Retry-After`; nil for none.
  package init(status: Int, retryAfter delay: Duration?) {
    self =
      Self.postponingStatuses.contains(status)
      ? .postponed(reason: "it answered \(status)", after: delay)
      : .refused(reason: "it answered \(status)")
  }
}
