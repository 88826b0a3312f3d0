import Dispatch
import Synchronization

/// Work that waits for a worker, in order of arrival, bounded by count and by bytes. Any thread may call it.
package final class AdmissionQueue<Item: Sendable>: Sendable {
  private struct State {
    var items: [(item: Item, byteCount: Int)] = []
    var byteCount = 0
    var isClosed = false
  }

  private let countLimit: Int
  private let byteLimit: Int
  private let state = Mutex(State())
  /// Counts the items, and one more for each worker that is to end.
  private let available = DispatchSemaphore(value: 0)

  package init(countLimit: Int, byteLimit: Int) {
    self.countLimit = countLimit
    self.byteLimit = byteLimit
  }

  package var count: Int { state.withLock(\.items.count) }

  /// Whether the item was taken; false when the queue is full or closed.
  package func offer(_ item: Item, byteCount: Int) -> Bool {
    let taken = state.withLock { state in
      guard !state.isClosed, state.items.count < countLimit,
        state.byteCount + byteCount <= byteLimit
      else { return false }
      state.items.append((item, byteCount))
      state.byteCount += byteCount
      return true
    }
    if taken { available.signal() }
    return taken
  }

  /// The oldest item, waiting for one; nil when the queue is closed and empty.
  package func take() -> Item? {
    available.wait()
    let item: Item? = state.withLock { state in
      guard !state.items.isEmpty else { return nil }
      let first = state.items.removeFirst()
      state.byteCount -= first.byteCount
      return first.item
    }
    // The next worker must see the end as well.
    if item == nil { available.signal() }
    return item
  }

  /// Takes nothing more; what is in it is still handed out.
  package func close() {
    let closes = state.withLock { state in
      defer { state.isClosed = true }
      return !state.isClosed
    }
    if closes { available.signal() }
  }
}
