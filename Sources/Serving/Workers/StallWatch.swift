/// Notices a worker that does not finish a step. A value: it is told the time.
package struct StallWatch {
  package enum Finding: Sendable, Hashable {
    case allMove
    /// The server should get no more requests.
    case stalled(worker: Int, for: Duration)
    /// Only a new process helps.
    case lost(worker: Int, for: Duration)
    /// No image can be decoded any more, for this reason; again, only a new process helps.
    case withoutDecoders(String)
  }

  /// The step that a worker is at.
  private struct Watched {
    var step: Int?
    var duration = Duration.zero
  }

  private let noticeLimit: Duration
  private let endLimit: Duration
  private var workers: [Watched]

  /// - Parameters:
  ///   - noticeLimit: Time for a step after which nobody waits for it any more.
  ///   - endLimit: At least as long.
  package init(workerCount: Int, noticeLimit: Duration, endLimit: Duration) {
    self.noticeLimit = noticeLimit
    self.endLimit = max(noticeLimit, endLimit)
    workers = (0..<workerCount).map { _ in Watched() }
  }

  /// Takes the step of each worker, or nil if it waits, and the time since the last look.
  package mutating func look(at steps: [Int?], after interval: Duration) -> Finding {
    for (worker, step) in steps.enumerated() {
      if let step, step == workers[worker].step {
        workers[worker].duration += interval
      } else {
        workers[worker] = Watched(step: step)
      }
    }
    guard let (worker, watched) = workers.enumerated().max(by: { $0.1.duration < $1.1.duration }),
      watched.duration > noticeLimit
    else { return .allMove }
    return watched.duration > endLimit
      ? .lost(worker: worker, for: watched.duration)
      : .stalled(worker: worker, for: watched.duration)
  }
}
