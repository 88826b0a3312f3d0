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
  private let store: ModelStore
  private let log: Log
  private let interval: Duration
  /// Whether a thread tries.
  private let isTrying = Mutex(false)

  /// - Parameter interval: Time between two tries.
  init(of store: ModelStore, every interval: Duration, log: Log) {
    self.store = store
    self.interval = interval
    self.log = log
  }

  /// Begins trying; call it after each change without a record. Does not wait.
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

  /// Tries once. Returns true if nothing is left to record.
  private func tryOnce() -> Bool {
    isTrying.withLock { isTrying in
      // Under the lock, so that nobody calls `begin` between this look and the end of the thread.
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
