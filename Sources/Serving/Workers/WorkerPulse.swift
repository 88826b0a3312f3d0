import Synchronization

/// Shows that a worker makes progress: it counts its steps, each of them one image or one run of
/// the network.
///
/// A count rather than a time, so that it costs the worker nothing and a suspended machine accuses
/// nobody.
final class WorkerPulse: Sendable {
  /// Steps and rests; odd while the worker is at something.
  private let count = Atomic(0)

  /// Notes that the worker begins a step; the previous one is done.
  func step() {
    let count = count.load(ordering: .relaxed)
    self.count.store(count + (count & 1 == 0 ? 1 : 2), ordering: .relaxed)
  }

  /// Notes that the worker is done and waits.
  func rest() {
    let count = count.load(ordering: .relaxed)
    if count & 1 == 1 { self.count.store(count + 1, ordering: .relaxed) }
  }

  /// The step that the worker is at, or nil if it waits. Equal values mean the same step.
  var current: Int? {
    let count = count.load(ordering: .relaxed)
    return count & 1 == 1 ? count : nil
  }
}
