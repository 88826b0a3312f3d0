import Dispatch
import Synchronization
import Time

/// The thread that looks after the workers' thread: it answers what is late, and notices who does not move.
///
/// It sleeps for a second at a time while no request is there, and for a `PendingRequests.sweepInterval` otherwise.
final class PoolWatch: Sendable {
  /// Between two looks at workers and memory.
  static let slowInterval = Duration.seconds(1)

  private struct State {
    var isEnded = false
    /// Whether it sleeps for a second, and must be woken for a request.
    var isDozing = false
  }

  private let state = Mutex(State())
  private let wakeUp = DispatchSemaphore(value: 0)

  /// A request has come.
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

  /// Returns after `end`. `sweep` says whether requests are there; `look` is called about once a second with the time
  /// since it was called before, as this thread has slept.
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
      // Longer pauses are not this process's: it was suspended.
      sinceLook += pause
      quietTime = isWoken || sweep() ? .zero : quietTime + pause
      if sinceLook >= Self.slowInterval {
        look(sinceLook)
        sinceLook = .zero
      }
    }
  }
}
