package import Dispatch

extension DispatchSemaphore {
  /// Waits for at most `duration`, or not at all if that is not positive; returns whether it was
  /// signalled.
  package func wait(for duration: Duration) -> Bool {
    // Dispatch's own arithmetic can overflow; nobody waits for a year.
    let nanoseconds = min(max(.zero, duration), .seconds(365 * 24 * 3600)).nanoseconds
    return wait(timeout: .now() + .nanoseconds(nanoseconds)) == .success
  }
}
