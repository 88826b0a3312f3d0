import Dispatch
import Synchronization
import Time

/// Signal to end for the one thread that fetches, or waits to fetch again.
///
/// Any thread may cancel; it cannot be undone.
package final class Cancellation: Sendable {
  private let flag = Atomic(false)
  private let cancelled = DispatchSemaphore(value: 0)

  package init() {}

  package func cancel() {
    flag.store(true, ordering: .releasing)
    cancelled.signal()
  }

  package var isCancelled: Bool { flag.load(ordering: .acquiring) }

  /// Waits for this time or until it is cancelled, and returns whether to go on.
  package func wait(_ duration: Duration) -> Bool {
    if !isCancelled { _ = cancelled.wait(for: duration) }
    return !isCancelled
  }
}
