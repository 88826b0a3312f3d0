/// Decides when to give freed memory back to the system: after a burst, when it disturbs least. A
/// value: it is told the time.
package struct MemoryReturn {
  /// Bytes by which the process must have grown since the last time; less is kept for the next
  /// request.
  package static let leastByteCount = 16 << 20
  /// Time between two returns while nothing is being served.
  package static let idleInterval = Duration.seconds(5)
  /// Time between two returns while requests are being served: each holds allocators' locks for
  /// some milliseconds.
  package static let busyInterval = Duration.seconds(20)

  /// Bytes that the process had after the last time, or the least since.
  private var floor: Int?
  private var sinceLast = idleInterval

  package init() {}

  /// Returns whether to give memory back now; if so, call `begin` and then `returned`.
  ///
  /// - Parameters:
  ///   - resident: Bytes that the process has.
  ///   - isIdle: Whether no request holds memory.
  package mutating func look(resident: Int, isIdle: Bool, after interval: Duration) -> Bool {
    sinceLast = min(sinceLast + interval, Self.busyInterval)
    let floor = min(floor ?? resident, resident)
    self.floor = floor
    return resident - floor >= Self.leastByteCount
      && sinceLast >= (isIdle ? Self.idleInterval : Self.busyInterval)
  }

  /// Notes that memory is being given back.
  package mutating func begin() { sinceLast = .zero }

  /// Notes that memory has been given back, and the bytes that are left.
  ///
  /// - Parameter isIdle: Whether no request held memory meanwhile. Otherwise memory that is still
  ///   in use may be freed later without going back by itself, so the next time must still see it.
  package mutating func returned(resident: Int, isIdle: Bool) {
    if isIdle { floor = resident }
  }
}
