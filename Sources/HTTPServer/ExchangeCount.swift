import Synchronization

/// How many requests wait for their answers, over all connections of a server.
final class ExchangeCount: Sendable {
  private let count = Atomic(0)

  var value: Int { count.load(ordering: .relaxed) }

  func add(_ change: Int) { count.wrappingAdd(change, ordering: .relaxed) }
}
