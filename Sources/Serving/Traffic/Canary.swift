package import Checkpoint
import Inference
package import ModelStore
import Synchronization

/// A model that answers a share of the requests beside the live one, until somebody or the server
/// ends it.
///
/// Requests hold it as they hold its deployment: those that were admitted to it are answered by it,
/// even after its end.
package final class Canary: Sendable {
  private struct State {
    var rules: CanaryRules
    var watch = CanaryWatch()
    var isComparing = false
    var nextComparison: ContinuousClock.Instant?
  }

  package let deployment: Deployment
  package let by: String
  package let since: WallTime
  /// Whether its most likely class can be compared with the live model's.
  private let isComparable: Bool
  private let comparisonPause: Int
  private let onEnd: @Sendable (CanaryEnd) -> Void
  private let state: Mutex<State>

  /// - Parameters:
  ///   - live: The live deployment while it is a canary.
  ///   - comparisonPause: See `CanaryLimits`.
  ///   - onEnd: Called once, by whichever thread ends it, which may be a worker: so it must take no
  ///     time.
  package init(
    _ deployment: Deployment, beside live: Deployment, rules: CanaryRules, by: String,
    since: WallTime = .now, comparisonPause: Int = CanaryLimits.comparisonPause,
    onEnd: @escaping @Sendable (CanaryEnd) -> Void = { _ in }
  ) {
    self.deployment = deployment
    self.by = by
    self.since = since
    isComparable = deployment.model.labels == live.model.labels
    self.comparisonPause = comparisonPause
    self.onEnd = onEnd
    state = Mutex(State(rules: rules))
  }

  package var version: ModelVersion { deployment.model.version }

  package var rules: CanaryRules { state.withLock(\.rules) }

  var gauge: CanaryGauge {
    CanaryGauge(
      labels: ModelInfo.labels(of: deployment.model), percentHundredths: rules.percent.hundredths)
  }

  func change(_ rules: CanaryRules) { state.withLock { $0.rules = rules } }

  package var status: CanaryStatus {
    let (rules, counts) = state.withLock { ($0.rules, $0.watch.counts) }
    return CanaryStatus(
      name: deployment.model.name, version: version, rules: rules, since: since, by: by,
      counts: counts, isCompared: isComparable && rules.maxDisagreement != nil)
  }

  func ended(_ end: CanaryEnd) { onEnd(end) }

  // MARK: Watch

  /// Counts one of its requests that has ended. Returns the reason to end the canary, if there is
  /// one.
  func finished(_ outcome: ClassificationOutcome) -> CanaryEndReason? {
    state.withLock { $0.watch.finished(outcome) }
  }

  /// Begins the next comparison, if one may begin now; the caller must then end it. One at a time,
  /// and seldom.
  func beginComparison(at now: ContinuousClock.Instant) -> Bool {
    guard isComparable else { return false }
    return state.withLock { state in
      guard state.rules.maxDisagreement != nil, !state.isComparing,
        state.nextComparison.map({ $0 <= now }) ?? true
      else { return false }
      state.isComparing = true
      return true
    }
  }

  /// Ends a comparison. Returns the reason to end the canary, if there is one.
  ///
  /// - Parameter agrees: Nil if nothing could be compared.
  func endComparison(
    agrees: Bool?, at now: ContinuousClock.Instant, after duration: Duration
  ) -> CanaryEndReason? {
    state.withLock { state in
      state.isComparing = false
      state.nextComparison = now + duration * comparisonPause
      return agrees.flatMap { agrees in
        state.watch.compared(agrees: agrees, bar: state.rules.maxDisagreement)
      }
    }
  }
}
