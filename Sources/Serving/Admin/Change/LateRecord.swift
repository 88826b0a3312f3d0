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
  /// Whether a thread tries.
  private let isTrying = Mutex(false)

  /// - Parameter interval: Between two tries.
  init(of store: ModelStore, every interval: Duration, log: Log) {
    self.store = store
    self.interval = interval
    self.log = log
  }

  /// To be called after each change without a record; does not wait.
  func begin() {
    let mayBegin = isTrying.withLock { isTrying in
      defer { isTrying = true }
      return !isTrying
    }
    guard mayBegin else { return }
    let thread = WorkerThread { [self] in
      repeat { sleep() } while !tryOnce()
    }
    if let thread { thread.detach() } else { isTrying.withLock { $0 = false } }
  }

  private func sleep() {
    _ = DispatchSemaphore(value: 0).wait(for: interval)
  }

  /// True where nothing is left to record.
  private func tryOnce() -> Bool {
    isTrying.withLock { isTrying in
      // Nobody begins anew between this look and the end of the thread.
      switch Result(catching: { () throws(StoreError) in try store.recordAssumed() }) {
      case .failure: return false
      case .success(let version):
        if let version {
          log.write("the rollback has been recorded", ["version": .text(version.short)])
        }
        isTrying = false
        return true
      }
    }
  }
}
