import Glibc
import Synchronization
import Telemetry

/// What is counted of a remote store that is followed. Any thread may add to it; none waits.
package final class ModelStoreMetrics: Sendable {
  private static let lastSuccess = MetricDescription(
    .gauge, "resnetd_model_store_last_success_timestamp_seconds",
    "When the model store was asked last and this server had what it names.")

  private let polls = Counters<PollOutcome>(
    "resnetd_model_store_polls_total", "Times that the model store was asked what is current.")
  /// Seconds since 1970; 0 before the first.
  private let lastSuccessTime = Atomic(0)

  package init() {}

  package func polled(_ outcome: PollOutcome) {
    polls.add(outcome)
    if outcome.isSuccess { lastSuccessTime.store(time(nil), ordering: .relaxed) }
  }

  func write(to exposition: inout Exposition) {
    polls.write(to: &exposition)
    let seconds = lastSuccessTime.load(ordering: .relaxed)
    exposition.single(Self.lastSuccess, seconds == 0 ? nil : seconds)
  }
}
