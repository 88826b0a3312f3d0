import Dispatch
import Synchronization

/// Tells the one thread that fetches, or waits to fetch again, to end. Any thread may call it, once and for all.
package final class Cancellation: Sendable {
  private static let waitLimit = Duration.seconds(30 * 24 * 3600)

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
    let nanoseconds = Int(min(max(duration, .zero), Self.waitLimit) / .nanoseconds(1))
    if !isCancelled { _ = cancelled.wait(timeout: .now() + .nanoseconds(nanoseconds)) }
    return !isCancelled
  }
}
