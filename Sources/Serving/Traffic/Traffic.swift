import Checkpoint
import Inference
import ModelStore
import Synchronization
import Telemetry

/// Traffic of requests to deployments: the live one, and for a while a canary beside it.
///
/// Any thread may read or change it.
package final class Traffic: Sendable {
  /// Deployment that answers one request.
  struct Pick: Sendable {
    let live: Deployment
    /// The canary, or nil if the live deployment answers.
    let canary: Canary?
    /// Whether the request chose the canary itself.
    let isExplicit: Bool
  }

  private struct State {
    var live: Deployment
    var canary: Canary?
    /// The canary's rules, kept here so that picking takes one lock.
    var rules: CanaryRules?
    var share = EvenShare()
    var lastEnd: CanaryEnd?
  }

  /// A canary that has just ended.
  private struct Taken {
    let canary: Canary
    let end: CanaryEnd
  }

  private let workerCount: Int
  private let metrics: ServingMetrics
  private let log: Log
  private let state: Mutex<State>

  init(_ first: Deployment, metrics: ServingMetrics, log: Log) {
    workerCount = first.model.plan.workers
    self.metrics = metrics
    self.log = log
    state = Mutex(State(live: first))
    show(first)
  }

  private func show(_ deployment: Deployment) {
    deployment.becameLive()
    metrics.becameLive(ModelInfo(deployment.model), deployment.metrics)
  }

  package var live: Deployment { state.withLock(\.live) }

  package var canary: Canary? { state.withLock(\.canary) }

  /// End of the last canary, or nil before one has ended.
  package var lastEnd: CanaryEnd? { state.withLock(\.lastEnd) }

  // MARK: Requests

  /// Chooses a deployment for one request, and counts it for the canary's share.
  func pick(_ choice: CanaryChoice) -> Pick {
    state.withLock { state in
      guard let canary = state.canary, let rules = state.rules else {
        return Pick(live: state.live, canary: nil, isExplicit: false)
      }
      switch rules.obeysHeader ? choice : .share {
      case .always: return Pick(live: state.live, canary: canary, isExplicit: true)
      case .never: return Pick(live: state.live, canary: nil, isExplicit: false)
      case .share:
        let isTaken = state.share.next(rules.percent)
        return Pick(live: state.live, canary: isTaken ? canary : nil, isExplicit: false)
      }
    }
  }

  /// Returns the deployment that a request must fit before one is picked: the live one, unless it
  /// chooses the canary.
  func likely(_ choice: CanaryChoice) -> Deployment {
    state.withLock { state in
      guard choice == .always, state.rules?.obeysHeader == true else { return state.live }
      return state.canary?.deployment ?? state.live
    }
  }

  /// Records that a request has ended that a canary answered or failed to answer.
  package func record(_ outcome: ClassificationOutcome, of canary: Canary) {
    if let reason = canary.finished(outcome) { end(canary, reason) }
  }

  /// Returns the live deployment beside a canary, or nil if the canary has ended.
  func live(beside canary: Canary) -> Deployment? {
    state.withLock { $0.canary === canary ? $0.live : nil }
  }

  /// Records that a canary's comparison has ended, with nil if it could not be made.
  func compared(
    _ agreement: CanaryAgreement?, by canary: Canary, at now: ContinuousClock.Instant,
    after duration: Duration
  ) {
    if let agreement { metrics.compared(agreement) }
    let reason = canary.endComparison(
      agrees: agreement.map { $0 == .agreed }, at: now, after: duration)
    if let reason { end(canary, reason) }
  }

  // MARK: Changes

  /// Admits requests to `next` from now on and ends the canary. Earlier ones stay with the
  /// deployment that admitted them.
  ///
  /// Returns the former deployment, whose memory goes with its last request, and how the canary
  /// ended, if there was one.
  func swap(to next: Deployment) -> (former: Deployment, ended: CanaryEnd?) {
    checkSlots(next)
    let (former, taken) = state.withLock { state in
      let isPromoted = state.canary?.version == next.model.version
      let former = (state.live, Self.takeCanary(&state, isPromoted ? .promoted : .swap))
      state.live = next
      return former
    }
    show(next)
    return (former, taken.map(finish))
  }

  /// Lets a canary answer its share from now on, in place of another if there is one.
  package func begin(_ canary: Canary) {
    checkSlots(canary.deployment)
    metrics.becameCanary(canary.deployment.metrics)
    let taken = state.withLock { state in
      let taken = Self.takeCanary(&state, .replaced)
      state.canary = canary
      state.rules = canary.rules
      state.share = EvenShare()
      return taken
    }
    if let taken { _ = finish(taken) }
  }

  /// Gives a canary other rules. Returns false if it has ended.
  package func change(_ canary: Canary, to rules: CanaryRules) -> Bool {
    state.withLock { state in
      guard state.canary === canary else { return false }
      state.rules = rules
      canary.change(rules)
      return true
    }
  }

  /// Ends a canary: all requests go to the live model from now on. Returns nil if it has already
  /// ended.
  @discardableResult
  package func end(_ canary: Canary, _ reason: CanaryEndReason) -> CanaryEnd? {
    let taken = state.withLock { state in
      state.canary === canary ? Self.takeCanary(&state, reason) : nil
    }
    return taken.map(finish)
  }

  /// Ends all traffic; called when no worker runs any more.
  func close() {
    let (live, canary) = state.withLock { state in
      defer {
        state.canary = nil
        state.rules = nil
      }
      return (state.live, state.canary)
    }
    live.endWithTraffic()
    canary?.deployment.endWithTraffic()
  }

  /// Takes the canary away, once for each. The caller must then `finish` it without holding the
  /// lock.
  private static func takeCanary(_ state: inout State, _ reason: CanaryEndReason) -> Taken? {
    guard let canary = state.canary else { return nil }
    let end = CanaryEnd(reason: reason, at: .now, status: canary.status)
    state.lastEnd = end
    state.canary = nil
    state.rules = nil
    return Taken(canary: canary, end: end)
  }

  private func checkSlots(_ next: Deployment) {
    precondition(next.model.plan.workers == workerCount, "every worker needs a slot")
  }

  private func finish(_ taken: Taken) -> CanaryEnd {
    let end = taken.end
    metrics.canaryEnded(end.reason)
    let counts = end.status.counts
    log.write(
      "canary ended", as: end.reason.isAutomatic ? .warning : .info,
      [
        "reason": .text(end.reason.rawValue), "model": .text(end.status.name),
        "version": .text(end.status.version.short), "requests": .integer(counts.requests),
        "errors": .integer(counts.errors), "comparisons": .integer(counts.comparisons),
        "disagreements": .integer(counts.disagreements),
      ])
    taken.canary.ended(end)
    return end
  }
}

/// Spreads a share over requests as evenly as Bresenham's lines spread their steps.
///
/// N requests in a row contain the share of N, rounded down or up, and never two in a row if one
/// would do.
struct EvenShare: Sendable {
  /// Remainder that earlier requests have left, in hundredths of a percent of a request.
  private var rest = 0

  /// Returns whether the next request belongs to the share.
  mutating func next(_ percent: CanaryPercent) -> Bool {
    rest += percent.hundredths
    guard rest >= CanaryPercent.whole else { return false }
    rest -= CanaryPercent.whole
    return true
  }
}
