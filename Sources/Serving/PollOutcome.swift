import Telemetry

/// What came of asking a remote store which model is current.
package enum PollOutcome: String, MetricLabel {
  /// What it names has been acted on before.
  case unchanged
  /// Its model is live since this poll.
  case promoted
  /// Its model did not pass the checks: at this poll, or before and it is named still.
  case refused
  /// An administrator ended the swap to its model: that holds until it names another.
  case overruled
  /// Another swap was in progress.
  case busy
  /// No answer, or one that is no success.
  case unreachable
  /// The pointer is malformed, or the bytes are not those that it names.
  case invalid
  /// Nothing that the remote store could help: no room on the disk or in memory.
  case failed

  package static let labelName = "outcome"

  /// Whether this server has what the remote store wants it to have.
  package var isSuccess: Bool { self == .unchanged || self == .promoted }
}
