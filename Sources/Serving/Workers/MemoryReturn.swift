/// When to give freed memory back to the system: after a burst, when it disturbs least. A value: time is what it is told.
package struct MemoryReturn {
  /// Bytes that the process must have more than after the last time; less is kept for the next request.
  package static let leastByteCount = 16 << 20
  /// Between two times while nothing is being served.
  package static let idleInterval = Duration.seconds(5)
  /// Between two times while requests are being served: it holds allocators' locks for some milliseconds.
  package static let busyInterval = Duration.seconds(20)

  /// Bytes that the process had after the last time, or has had at least since.
  private var floor: Int?
  private var sinceLast = idleInterval

  package init() {}

  /// Whether now is the time; then `begin` and `returned` are to follow.
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

  /// Memory is being given back.
  package mutating func begin() { sinceLast = .zero }

  /// What could be given back has been; so much is left.
  ///
  /// - Parameter isIdle: Whether no request held memory meanwhile. Else what is left may be freed later without going
  ///   back by itself, so the next time must still see it.
  package mutating func returned(resident: Int, isIdle: Bool) {
    if isIdle { floor = resident }
  }
}
