package import Dispatch

extension DispatchSemaphore {
  /// Waits at most so long, and not at all where that is not positive; whether it was signalled.
  package func wait(for duration: Duration) -> Bool {
    // Dispatch's own arithmetic can overflow; nobody waits for a year.
    let nanoseconds = min(max(.zero, duration), .seconds(365 * 24 * 3600)).nanoseconds
    return wait(timeout: .now() + .nanoseconds(nanoseconds)) == .success
  }
}
