import HTTPCore
import Synchronization

/// Objects that the event loops of a server have in common.
final class ServerParts: Sendable {
  let handler: any RequestHandler
  let configuration: ServerConfiguration
  let reserveLimits: ConnectionLimits
  let exchangeCount = ExchangeCount()
  let buffers: BufferCount
  /// Connections and requests of each client; nil where clients have no limits.
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

  /// Whether a connection waits because no event loop has found room for it.
  var isRoomWanted: Bool {
    get { roomWanted.load(ordering: .relaxed) }
    set { roomWanted.store(newValue, ordering: .relaxed) }
  }

  func closed(_ peer: Peer, _ place: Place) { onClose(peer, place) }
}

/// Count of requests that wait for their answers, over all connections of a server.
final class ExchangeCount: Sendable {
  private let count = Atomic(0)

  var value: Int { count.load(ordering: .relaxed) }

  func add(_ change: Int) { count.wrappingAdd(change, ordering: .relaxed) }
}

/// Count of bytes that clients have buffered, over all connections of a server.
final class BufferCount: Sendable {
  /// Bytes that one read brings at most, 64 KiB.
  static let readByteCount = 64 * 1024

  let limit: Int
  private let count = Atomic(0)

  init(limit: Int) { self.limit = limit }

  var value: Int { count.load(ordering: .relaxed) }

  /// Whether another read could exceed the limit.
  var isFull: Bool { value > limit - Self.readByteCount }

  /// Adds to the count; false where it is over the limit then.
  func add(_ change: Int) -> Bool {
    count.wrappingAdd(change, ordering: .relaxed).newValue <= limit
  }
}
