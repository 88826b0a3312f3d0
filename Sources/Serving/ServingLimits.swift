package import Imaging

/// What one request and all waiting ones may cost.
package struct ServingLimits: Sendable {
  /// Bytes of one request's body; beyond it 413.
  package var bodyByteLimit = 32 << 20
  /// Images in one request; beyond it 413.
  package var imageCountLimit = 64
  /// Requests that wait for a worker; beyond it 429.
  package var queueCountLimit = 256
  /// Bytes of the bodies that wait; beyond it 429.
  package var queueByteLimit = 256 << 20
  /// From a request's first byte to its answer, unless the client asks for less; beyond it 504.
  package var requestTimeout = Duration.seconds(30)
  /// What a candidate may compute before it is live; beyond it 422. One pass through its network is not interrupted.
  package var provingTimeout = Duration.seconds(180)
  package var decoding = DecodingLimits()

  package init() {}
}
