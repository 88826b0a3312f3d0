import Dispatch
package import ModelStore
import Synchronization
package import Telemetry
import Time

/// Looks at the state folder now and then, and says when it is gone, was replaced or cannot be
/// written any more: a server goes on serving without it, and would notice at its next start.
///
/// Looks are made on a queue of its own, since a folder of a network may not answer.
package final class StateFolderWatch: Sendable {
  /// Time between two looks.
  package static let interval = Duration.seconds(10)
  /// Time after which a look that has not ended counts as a fault.
  static let patience = Duration.seconds(30)

  private struct State {
    /// Fault that the log knows of; nil for none.
    var told: String?
    /// Beginning of the look in progress; nil if there is none.
    var began: ContinuousClock.Instant?
  }

  private let store: ModelStore
  private let log: Log
  private let now: @Sendable () -> ContinuousClock.Instant
  private let queue = DispatchQueue(label: "resnetd.state")
  private let state = Mutex(State())

  /// - Parameter now: The time, for looks that do not end.
  package init(
    _ store: ModelStore, log: Log, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    (self.store, self.log, self.now) = (store, log, now)
  }

  /// Begins to look, until it is released; call it once.
  package func start() {
    queue.asyncAfter(deadline: .now() + .nanoseconds(Self.interval.nanoseconds)) { [weak self] in
      guard let self else { return }
      look()
      start()
    }
  }

  /// Looks once, and writes a line if something has changed.
  package func look() {
    state.withLock { $0.began = now() }
    let fault = store.examineFolder()?.description
    let former = state.withLock { state in
      defer { (state.told, state.began) = (fault, nil) }
      return state.told
    }
    guard fault != former else { return }
    if let fault {
      log.write(
        "the state folder cannot be used; no model can be made live, and a restart may lose "
          + "the one that is", as: .warning, ["reason": .text(fault)])
    } else {
      log.write("the state folder can be used again")
    }
  }

  /// Whether the folder can be used, as far as is known; from memory.
  var isUsable: Bool {
    let began = state.withLock(\.began)
    if let began, now() - began > Self.patience { return false }
    return store.folderFault == nil
  }

  /// What there is to say of the folder in the metrics.
  package var gauge: StateFolderGauge {
    StateFolderGauge(
      isUsable: isUsable, isRecorded: store.recordFault == nil,
      failures: DiskFailure.allCases.map { ($0.rawValue, store.failureCount(of: $0)) })
  }
}

/// What there is to say of a state folder in the metrics.
package struct StateFolderGauge: Sendable {
  let isUsable: Bool
  /// Whether a restart will know what is live.
  let isRecorded: Bool
  /// Things that were not written, by cause.
  let failures: [(reason: String, count: Int)]
}
