package import Checkpoint
package import ModelStore
import Telemetry

/// Status of a canary, for people; keeps no model in memory.
package struct CanaryStatus: Sendable {
  package let name: String
  package let version: ModelVersion
  package let rules: CanaryRules
  package let since: WallTime
  package let by: String
  package let counts: CanaryCounts
  /// Whether its answers are compared with those of the live model.
  package let isCompared: Bool
}

/// End of a canary.
package struct CanaryEnd: Sendable {
  package let reason: CanaryEndReason
  package let at: WallTime
  /// Status at its end.
  package let status: CanaryStatus
}

/// Reason why a canary no longer answers.
package enum CanaryEndReason: String, MetricLabel {
  /// Too many of its requests failed.
  case errors
  /// It gave logits that are not finite.
  case notFinite = "not_finite"
  /// Its most likely class differed from the live model's too often.
  case disagreement
  /// An administrator ended it.
  case request
  /// Another canary took its place.
  case replaced
  /// It became live.
  case promoted
  /// Another model became live.
  case swap

  package static let labelName = "reason"

  /// Whether the server ended it by itself.
  package var isAutomatic: Bool {
    switch self {
    case .errors, .notFinite, .disagreement: true
    case .request, .replaced, .promoted, .swap: false
    }
  }
}

/// Counts of a canary so far.
package struct CanaryCounts: Sendable, Hashable {
  /// Requests that were answered, rejected or failed.
  package internal(set) var requests = 0
  /// Requests for which the network, not the client, was at fault.
  package internal(set) var errors = 0
  /// Images that the live model was also asked about.
  package internal(set) var comparisons = 0
  /// Comparisons in which the most likely class differed.
  package internal(set) var disagreements = 0
}

/// Result of a comparison.
enum CanaryAgreement: String, MetricLabel {
  /// Both models have the same most likely class.
  case agreed
  case disagreed

  static let labelName = "outcome"
}
