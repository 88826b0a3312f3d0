import Dispatch
import Engine
import Inference
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

  /// A thread that waits for rounds; one without work ends it.
  private final class Member: Sendable {
    let starts = DispatchSemaphore(value: 0)
    let round = Mutex<Round?>(nil)

    func start(_ next: Round?) {
      round.withLock { $0 = next }
      starts.signal()
    }
  }

  let count: Int
  private let members: [Member]
  private let finished = DispatchSemaphore(value: 0)

  /// Starts all threads but the first, which is the caller of `run`. Where the system refuses some,
  /// the others do their work.
  init(_ count: Int) {
    precondition(count > 0, "a team must have a worker")
    self.count = count
    var members: [Member] = []
    for worker in 1..<max(1, count) {
      let (member, finished) = (Member(), finished)
      let thread = WorkerThread {
        OneDNN.setThreads(1)
        while true {
          member.starts.wait()
          guard let round = member.round.withLock({ $0 }) else { return }
          round.share(worker)
          finished.signal()
        }
      }
      guard let thread else { continue }
      thread.detach()
      members.append(member)
    }
    self.members = members
  }

  deinit { for member in members { member.start(nil) } }

  /// Does jobs 0 to `jobCount - 1`, each once; returns when all are done.
  func run(_ jobCount: Int, _ work: @escaping @Sendable (_ job: Int, _ worker: Int) -> Void) {
    OneDNN.setThreads(1)
    let round = Round(jobCount, work)
    guard !members.isEmpty, jobCount > 1 else { return round.share(0) }
    for member in members { member.start(round) }
    round.share(0)
    for _ in members { finished.wait() }
    // The work may hold whoever holds this team.
    for member in members { member.round.withLock { $0 = nil } }
  }
}
