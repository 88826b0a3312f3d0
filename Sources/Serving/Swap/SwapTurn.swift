import Dispatch
package import ModelStore
import Synchronization

/// One change of what is live while it is in progress: shown to administrators, and ended by them until it is committed.
///
///     proving --cancel--> cancelled     whoever asked is answered at once; what computes ends at its next look
///        |
///      commit --> committed --> ended   recording and exchange: too short to be interrupted
package final class SwapTurn: Sendable {
  /// What is shown of it.
  package struct Status: Sendable, Hashable {
    /// What was asked for, as the audit calls it.
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

  /// - Parameter isAbandoned: Whether whoever asked has gone; asked between all pieces of work, by the thread that proves.
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

  /// Whether what computes for it should end: looked at between all pieces of work.
  package var isCancelled: Bool {
    switch state.withLock(\.phase) {
    case .proving: return isAbandoned()
    case .cancelled: return true
    // Nothing is left but the exchange, which nobody takes back.
    case .committed: return false
    }
  }

  /// Goes on to a step; throws where it is cancelled.
  func begin(_ step: SwapStep) throws(SwapFailure) {
    state.withLock { $0.step = step }
    if isCancelled { throw cancellation }
  }

  /// Why it ends before its time.
  var cancellation: SwapFailure {
    let (step, phase) = state.withLock { ($0.step, $0.phase) }
    let reason =
      if case .cancelled(let who) = phase { "ended by \(who)" } else {
        "whoever asked for it has gone"
      }
    return SwapFailure(step: step, reason: reason, kind: .cancelled)
  }

  /// From now on it comes to its end, whether or not whoever asked is still there; throws where it was cancelled before.
  package func commit() throws(SwapFailure) {
    let isCommitted = state.withLock { state in
      guard case .proving = state.phase else { return false }
      state.phase = .committed
      return true
    }
    guard isCommitted else { throw cancellation }
  }

  // MARK: Others

  /// Ends it; false where nothing is left but the exchange.
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

  /// Returns when it is cancelled or its candidate is done, once for each.
  func waitForCandidate() { wakeUp.wait() }

  /// Returns when it has ended.
  func wait() { ended.wait() }

  /// It is its turn, until `leave`.
  func enter() { ended.enter() }

  func leave() { ended.leave() }
}
