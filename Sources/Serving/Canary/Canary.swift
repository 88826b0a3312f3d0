package import Checkpoint
package import ModelStore
import Synchronization

/// A model that answers a share of the requests beside the live one, until it is ended, by somebody or by itself.
///
/// Requests hold it as they hold its deployment: those that were admitted to it are answered by it, ended or not.
package final class Canary: Sendable {
  private struct State {
    var rules: CanaryRules
    var counts = CanaryCounts()
  }

  package let deployment: Deployment
  package let by: String
  package let since: WallTime
  private let onEnd: @Sendable (CanaryEnd) -> Void
  private let state: Mutex<State>

  /// - Parameter onEnd: Called once, by whichever thread ends it, which may be a worker: for what takes no time.
  package init(
    _ deployment: Deployment, rules: CanaryRules, by: String, since: WallTime = .now,
    onEnd: @escaping @Sendable (CanaryEnd) -> Void = { _ in }
  ) {
    self.deployment = deployment
    self.by = by
    self.since = since
    self.onEnd = onEnd
    state = Mutex(State(rules: rules))
  }

  package var version: ModelVersion { deployment.model.version }

  package var rules: CanaryRules { state.withLock(\.rules) }

  func change(_ rules: CanaryRules) { state.withLock { $0.rules = rules } }

  package var status: CanaryStatus {
    let (rules, counts) = state.withLock { ($0.rules, $0.counts) }
    return CanaryStatus(
      name: deployment.model.name, version: version, rules: rules, since: since, by: by,
      counts: counts, isCompared: false)
  }

  /// One of its requests has ended.
  func finished(_ outcome: ClassificationOutcome) {
    state.withLock { state in
      state.counts.requests += 1
      if outcome == .failed { state.counts.errors += 1 }
    }
  }

  func ended(_ end: CanaryEnd) { onEnd(end) }
}
