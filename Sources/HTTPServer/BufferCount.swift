import Synchronization

/// How many bytes clients have buffered, over all connections of a server.
final class BufferCount: Sendable {
  let limit: Int
  private let count = Atomic(0)

  init(limit: Int) { self.limit = limit }

  var value: Int { count.load(ordering: .relaxed) }

  /// Whether another read could exceed the limit.
  var isFull: Bool { value > limit - Lane.readByteCount }

  /// False where there are too many then.
  func add(_ change: Int) -> Bool {
    count.wrappingAdd(change, ordering: .relaxed).newValue <= limit
  }
}
