import Engine
import Foundation
import Synchronization

/// Threads that share the jobs of one call after another; the calling thread is one of them.
///
/// Which of them takes a job is left to chance, so that no job may depend on it.
final class WorkerTeam: Sendable {
  /// One call to `run`.
  private final class Round: Sendable {
    let count: Int
    let next = Atomic(0)
    let work: @Sendable (_ job: Int, _ worker: Int) -> Void

    init(_ count: Int, _ work: @escaping @Sendable (Int, Int) -> Void) {
      self.count = count
      self.work = work
    }

    func share(_ worker: Int) {
      while true {
        let job = next.add(1, ordering: .relaxed).oldValue
        guard job < count else { return }
        work(job, worker)
      }
    }
  }

  private struct State {
    var round: Round?
    var number = 0
    /// Threads that have not finished the round.
    var busy = 0
    var ends = false
  }

  /// State with the condition that threads wait on.
  private final class Gate: @unchecked Sendable {
    // SAFETY: `state` is read and written only while the condition's lock is held.
    let condition = NSCondition()
    var state = State()

    /// Waits for a round after `number`; returns nil at the end.
    func round(after number: Int) -> (round: Round, number: Int)? {
      condition.lock()
      defer { condition.unlock() }
      while state.number == number && !state.ends { condition.wait() }
      guard !state.ends, let round = state.round else { return nil }
      return (round, state.number)
    }

    func finish() {
      condition.lock()
      state.busy -= 1
      if state.busy == 0 { condition.broadcast() }
      condition.unlock()
    }
  }

  let count: Int
  private let gate = Gate()

  /// Starts all threads but the first, which is the caller of `run`.
  init(_ count: Int) {
    precondition(count > 0, "a team must have a worker")
    self.count = count
    for worker in 1..<max(1, count) {
      let gate = gate
      Thread.detachNewThread {
        OneDNN.setThreads(1)
        var number = 0
        while let (round, current) = gate.round(after: number) {
          number = current
          round.share(worker)
          gate.finish()
        }
      }
    }
  }

  deinit {
    gate.condition.lock()
    gate.state.ends = true
    gate.condition.broadcast()
    gate.condition.unlock()
  }

  /// Does jobs 0 to `jobCount - 1`, each once; returns when all are done.
  func run(_ jobCount: Int, _ work: @escaping @Sendable (_ job: Int, _ worker: Int) -> Void) {
    OneDNN.setThreads(1)
    let round = Round(jobCount, work)
    guard count > 1, jobCount > 1 else { return round.share(0) }
    gate.condition.lock()
    gate.state.round = round
    gate.state.number += 1
    gate.state.busy = count - 1
    gate.condition.broadcast()
    gate.condition.unlock()
    round.share(0)
    gate.condition.lock()
    while gate.state.busy > 0 { gate.condition.wait() }
    gate.state.round = nil
    gate.condition.unlock()
  }
}
