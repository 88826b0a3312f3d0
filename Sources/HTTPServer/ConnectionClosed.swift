import Synchronization

/// Tells the server that a connection has closed; the event loops exist before it does.
///
/// The closure is a member of a struct: taken out of a generic container by itself it would be wrapped anew at each
/// reading and put back so, until calling it exhausts the stack.
package final class ConnectionClosed: Sendable {
  package typealias Call = @Sendable (Peer, Place) -> Void

  private struct Action {
    var call: Call = { _, _ in }
  }

  private let action = Mutex(Action())

  package init() {}

  package func set(_ call: @escaping Call) { action.withLock { $0.call = call } }

  package func call(_ peer: Peer, _ place: Place) { action.withLock { $0 }.call(peer, place) }
}
