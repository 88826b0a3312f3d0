import Checkpoint
import Dispatch
import Inference
import ModelStore
import Synchronization
import Telemetry
import Time

/// Records a rollback that was made without a record, once the disk takes it: then a restart knows of it.
///
/// A thread tries now and then, from such a rollback until the record stands or another change has replaced it.
final class LateRecord: Sendable {
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

  /// - Parameter interval: Between two tries.
  init(of store: ModelStore, every interval: Duration, log: Log) {
    self.store = store
    self.interval = interval
    self.log = log
  }

  /// To be called after each change without a record; does not wait.
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

  /// True where nothing is left to record.
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
