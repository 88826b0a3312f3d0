import Synchronization

/// Shows that a worker moves on: it counts its steps, each of them one image or one run of the network.
///
/// A count and no time, so that it costs the worker nothing and a machine that was suspended accuses nobody.
final class WorkerPulse: Sendable {
  /// Odd while the worker is at something.
  private let count = Atomic(0)

  /// The worker begins something; what it was at before is done.
  func step() {
    let count = count.load(ordering: .relaxed)
    self.count.store(count + (count & 1 == 0 ? 1 : 2), ordering: .relaxed)
  }

  /// The worker is done and waits.
  func rest() {
    let count = count.load(ordering: .relaxed)
    if count & 1 == 1 { self.count.store(count + 1, ordering: .relaxed) }
  }

  /// What the worker is at; nil where it waits. Two equal ones are the same step.
  var current: Int? {
    let count = count.load(ordering: .relaxed)
    return count & 1 == 1 ? count : nil
  }
}
