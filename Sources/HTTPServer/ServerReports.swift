import Synchronization

/// Report to the server that connections may be accepted again; the desk of handshakes exists before
/// it does. A struct inside, for the reason that `ConnectionClosed` gives.
final class RoomFound: Sendable {
  private struct Report {
    var call: @Sendable () -> Void = {}
  }

  private let report = Mutex(Report())

  func set(_ call: @escaping @Sendable () -> Void) { report.withLock { $0.call = call } }

  func call() { report.withLock { $0 }.call() }
}

/// Report to the server that a connection has closed; the event loops exist before it does.
///
/// The closure is a member of a struct: taken out of a generic container by itself it would be
/// wrapped anew at each reading and put back so, until calling it exhausts the stack.
package final class ConnectionClosed: Sendable {
  package typealias Call = @Sendable (Peer, Place) -> Void

  private struct Report {
    var call: Call = { _, _ in }
  }

  private let report = Mutex(Report())

  package init() {}

  package func set(_ call: @escaping Call) { report.withLock { $0.call = call } }

  package func call(_ peer: Peer, _ place: Place) { report.withLock { $0 }.call(peer, place) }
}
