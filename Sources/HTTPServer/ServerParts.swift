package import HTTPCore
import Synchronization

/// Who has connected.
package struct Peer: Sendable {
  /// As the connection shows it.
  package let text: String
  /// Nil of a Unix socket.
  package let address: NetworkAddress?
  /// Whom the connection counts for, where clients have limits and no trusted proxy speaks for them.
  package var client: NetworkAddress?

  package init(text: String, address: NetworkAddress? = nil) {
    self.text = text
    self.address = address
  }
}

/// Where a connection stands among the others.
package enum Place: Sendable {
  case ordinary
  /// All ordinary places are taken by connections that are not idle.
  case reserve
  /// The client has as many connections as it may.
  case overClientLimit

  var isOrdinary: Bool { if case .ordinary = self { true } else { false } }
}

/// What the event loops of a server have in common.
final class ServerParts: Sendable {
  let handler: any RequestHandler
  let configuration: ServerConfiguration
  let reserveLimits: ConnectionLimits
  let exchangeCount = ExchangeCount()
  let buffers: BufferCount
  /// Nil where clients have no limits.
  let clients: ClientTable?
  private let onClose: @Sendable (Peer, Place) -> Void
  private let roomWanted = Atomic(false)

  init(
    _ configuration: ServerConfiguration, _ handler: any RequestHandler,
    onClose: @escaping @Sendable (Peer, Place) -> Void
  ) {
    self.configuration = configuration
    self.handler = handler
    self.onClose = onClose
    reserveLimits = configuration.reserveLimits
    buffers = BufferCount(limit: configuration.bufferByteLimit)
    clients = configuration.clients.areOn ? ClientTable(configuration.clients) : nil
  }

  /// Whether a connection waits that none of the event loops has found room for.
  var isRoomWanted: Bool {
    get { roomWanted.load(ordering: .relaxed) }
    set { roomWanted.store(newValue, ordering: .relaxed) }
  }

  func closed(_ peer: Peer, _ place: Place) { onClose(peer, place) }
}

/// How many requests wait for their answers, over all connections of a server.
final class ExchangeCount: Sendable {
  private let count = Atomic(0)

  var value: Int { count.load(ordering: .relaxed) }

  func add(_ change: Int) { count.wrappingAdd(change, ordering: .relaxed) }
}

/// How many bytes clients have buffered, over all connections of a server.
final class BufferCount: Sendable {
  let limit: Int
  private let count = Atomic(0)

  init(limit: Int) { self.limit = limit }

  var value: Int { count.load(ordering: .relaxed) }

  /// Whether another read could exceed the limit.
  var isFull: Bool { value > limit - EventLoop.readByteCount }

  /// False where there are too many then.
  func add(_ change: Int) -> Bool {
    count.wrappingAdd(change, ordering: .relaxed).newValue <= limit
  }
}
