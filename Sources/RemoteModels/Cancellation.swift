import Dispatch
import Synchronization
import Time

/// Tells the one thread that fetches, or waits to fetch again, to end. Any thread may call it, once and for all.
package final class Cancellation: Sendable {
  private let flag = Atomic(false)
  private let cancelled = DispatchSemaphore(value: 0)

  package init() {}

  package func cancel() {
    flag.store(true, ordering: .releasing)
    cancelled.signal()
  }

  package var isCancelled: Bool { flag.load(ordering: .acquiring) }

  /// Returns after this time or as soon as it is cancelled; whether to go on.
  package func wait(_ duration: Duration) -> Bool {
    if !isCancelled { _ = cancelled.wait(for: duration) }
    return !isCancelled
  }
}
