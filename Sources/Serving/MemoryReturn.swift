/// When to give freed memory back to the system: after a burst, when it disturbs least. A value: time is what it is told.
package struct MemoryReturn {
  /// Bytes that must have become free since the last time; less is kept for the next request.
  package static let leastByteCount = 16 << 20
  /// Between two times while nothing is being served.
  package static let idleInterval = Duration.seconds(5)
  /// Between two times while requests are being served: it holds allocators' locks for some milliseconds.
  package static let busyInterval = Duration.seconds(20)

  private var freedByteCount = 0
  private var sinceLast = Duration.seconds(3600)

  package init() {}

  /// Whether now is the time.
  ///
  /// - Parameters:
  ///   - peak: Bytes that were in use at most since the last look.
  ///   - used: Those in use now.
  package mutating func look(peak: Int, used: Int, isIdle: Bool, after interval: Duration) -> Bool {
    sinceLast = min(sinceLast + interval, .seconds(3600))
    freedByteCount = max(freedByteCount, peak - used)
    guard freedByteCount >= Self.leastByteCount,
      sinceLast >= (isIdle ? Self.idleInterval : Self.busyInterval)
    else { return false }
    freedByteCount = 0
    sinceLast = .zero
    return true
  }
}
