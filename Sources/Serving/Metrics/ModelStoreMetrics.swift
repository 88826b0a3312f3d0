import Glibc
import Synchronization
import Telemetry

/// Counts of a remote store that is followed. Any thread may add to them without waiting.
package final class ModelStoreMetrics: Sendable {
  private static let lastSuccess = MetricDescription(
    .gauge, "resnetd_model_store_last_success_timestamp_seconds",
    "When the model store was asked last and this server had what it names.")

  private let polls = Counters<PollOutcome>(
    "resnetd_model_store_polls_total", "Times that the model store was asked what is current.")
  /// Seconds since 1970 of the last success, or 0 before the first.
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

/// Result of asking a remote store which model it names.
package enum PollOutcome: String, MetricLabel {
  /// The model that it names has been handled before.
  case unchanged
  /// Its model became live by this poll.
  case promoted
  /// Its model did not pass the checks, at this poll or earlier, and is still named.
  case refused
  /// An administrator ended the swap to its model, which holds until it names another.
  case overruled
  /// Another swap was in progress.
  case busy
  /// It gave no answer, or one that is not a success.
  case unreachable
  /// The pointer is malformed, or the bytes are not those that it names.
  case invalid
  /// A failure that the remote store cannot help: no room on the disk or in memory.
  case failed

  package static let labelName = "outcome"

  /// Whether this server has the model that the remote store wants it to have.
  package var isSuccess: Bool { self == .unchanged || self == .promoted }
}
