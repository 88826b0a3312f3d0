import Dispatch
package import ModelStore
import Synchronization

/// A change of the live model in progress: shown to administrators, who can end it until it is
/// committed.
///
///     proving --cancel--> cancelled     whoever asked is answered at once;
///        |                              computing ends at its next look
///      commit --> committed --> ended   recording and swap: too short to be interrupted
package final class SwapTurn: Sendable {
  /// The details that administrators see.
  package struct Status: Sendable, Hashable {
    /// Action that was asked for, by the audit's name.
    package let action: String
    package let by: String
    package let since: WallTime
    package let step: SwapStep
  }

  private enum Phase {
    case proving
    case cancelled(by: String)
    case committed
  }

  private struct State {
    var phase = Phase.proving
    var step = SwapStep.read
  }

  private let action: String
  private let by: String
  private let since: WallTime
  private let isAbandoned: @Sendable () -> Bool
  private let state = Mutex(State())
  private let ended = DispatchGroup()
  /// Signalled when it is cancelled and when its candidate is done.
  private let wakeUp = DispatchSemaphore(value: 0)

  /// - Parameter isAbandoned: Whether whoever asked has gone; called between all pieces of work, by
  ///   the thread that proves.
  init(
    _ action: String, by: String, since: WallTime = .now,
    isAbandoned: @escaping @Sendable () -> Bool
  ) {
    (self.action, self.by, self.since) = (action, by, since)
    self.isAbandoned = isAbandoned
  }

  package var status: Status {
    Status(action: action, by: by, since: since, step: state.withLock(\.step))
  }

  // MARK: Proof

  /// Whether computing for it should end; read between all pieces of work.
  package var isCancelled: Bool {
    switch state.withLock(\.phase) {
    case .proving: return isAbandoned()
    case .cancelled: return true
    // Nothing is left but the swap, which is not undone.
    case .committed: return false
    }
  }

  /// Goes on to a step. Throws if it is cancelled.
  func begin(_ step: SwapStep) throws(SwapFailure) {
    state.withLock { $0.step = step }
    if isCancelled { throw cancellation }
  }

  /// Failure that says why it ends early.
  var cancellation: SwapFailure {
    let (step, phase) = state.withLock { ($0.step, $0.phase) }
    let reason =
      if case .cancelled(let who) = phase { "ended by \(who)" } else {
        "the client has disconnected"
      }
    return SwapFailure(step: step, reason: reason, kind: .cancelled)
  }

  /// Commits the change: it runs to its end even if whoever asked has gone. Throws if it was
  /// already cancelled.
  package func commit() throws(SwapFailure) {
    let isCommitted = state.withLock { state in
      guard case .proving = state.phase else { return false }
      state.phase = .committed
      return true
    }
    guard isCommitted else { throw cancellation }
  }

  // MARK: Others

  /// Ends it. Returns false if nothing is left but the swap.
  func cancel(by who: String) -> Bool {
    let isEnded = state.withLock { state in
      switch state.phase {
      case .proving: state.phase = .cancelled(by: who)
      case .cancelled: break
      case .committed: return false
      }
      return true
    }
    if isEnded { wakeUp.signal() }
    return isEnded
  }

  func candidateIsDone() { wakeUp.signal() }

  /// Waits until it is cancelled or its candidate is done; returns once for each.
  func waitForCandidate() { wakeUp.wait() }

  /// Waits until it has ended.
  func wait() { ended.wait() }

  /// Begins its turn, until `leave`.
  func enter() { ended.enter() }

  func leave() { ended.leave() }
}
