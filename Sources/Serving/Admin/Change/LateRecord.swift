import Checkpoint
import Dispatch
import Inference
import ModelStore
import Synchronization
import Telemetry
import Time

/// Records a rollback that could not be recorded, once the disk allows it, so that a restart knows
/// of it.
///
/// A thread tries now and then, from such a rollback until the record is written or another change
/// has replaced it.
final class LateRecord: Sendable {
  /// Time between two tries, unless a test has another.
  static let usualInterval = Duration.seconds(10)

  private let store: ModelStore
  private let log: Log
  private let interval: Duration
  private struct State {
    /// Whether a thread tries.
    var isTrying = false
    /// Whether a change has asked for it since the last try began.
    var isWanted = false
  }

  private let state = Mutex(State())

  /// - Parameter interval: Time between two tries.
  init(of store: ModelStore, every interval: Duration, log: Log) {
    self.store = store
    self.interval = interval
    self.log = log
  }

  /// Begins trying; call it after each change without a record. Does not wait.
  func begin() {
    let mayBegin = state.withLock { state in
      defer { (state.isTrying, state.isWanted) = (true, true) }
      return !state.isTrying
    }
    guard mayBegin else { return }
    let thread = WorkerThread { [self] in
      repeat { sleep() } while !tryOnce()
    }
    if let thread { thread.detach() } else { state.withLock { $0 = State() } }
  }

  private func sleep() {
    _ = DispatchSemaphore(value: 0).wait(for: interval)
  }

  /// Tries once. Returns true if nothing is left to record.
  private func tryOnce() -> Bool {
    state.withLock { $0.isWanted = false }
    do throws(StoreError) {
      if let version = try store.recordAssumed() {
        log.write("the rollback has been recorded", ["version": .text(version.short)])
      }
    } catch {
      return false
    }
    return state.withLock { state in
      // Another change may have come during the try.
      state.isTrying = state.isWanted
      return !state.isTrying
    }
  }
}
