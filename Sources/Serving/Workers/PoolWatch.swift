import Dispatch
import Synchronization
import Time

/// The thread that watches the workers' threads: it answers late requests and notices workers that
/// do not move.
///
/// It sleeps for a second at a time while there is no request, and for a
/// `PendingRequests.sweepInterval` otherwise.
final class PoolWatch: Sendable {
  /// Time between two looks at workers and memory.
  static let slowInterval = Duration.seconds(1)

  private struct State {
    var isEnded = false
    /// Whether it sleeps for a second, and must be woken for a request.
    var isDozing = false
  }

  private let state = Mutex(State())
  private let wakeUp = DispatchSemaphore(value: 0)

  /// Notes that a request has arrived.
  func wake() {
    let wasDozing = state.withLock { state in
      defer { state.isDozing = false }
      return state.isDozing
    }
    if wasDozing { wakeUp.signal() }
  }

  func end() {
    state.withLock { $0.isEnded = true }
    wakeUp.signal()
  }

  /// Runs until `end`. `sweep` says whether there are requests.
  ///
  /// `look` is called about once a second with the time since its previous call, as this thread has
  /// slept.
  func run(sweep: () -> Bool, look: (Duration) -> Void) {
    var quietTime = Duration.zero
    var sinceLook = Duration.zero
    while true {
      let isDozing = quietTime >= Self.slowInterval
      let isEnded = state.withLock { state in
        state.isDozing = isDozing
        return state.isEnded
      }
      if isEnded { return }
      let pause = isDozing ? Self.slowInterval : PendingRequests.sweepInterval
      let isWoken = wakeUp.wait(for: pause)
      // Longer pauses are not this process's own: it was suspended.
      sinceLook += pause
      quietTime = isWoken || sweep() ? .zero : quietTime + pause
      if sinceLook >= Self.slowInterval {
        look(sinceLook)
        sinceLook = .zero
      }
    }
  }
}
