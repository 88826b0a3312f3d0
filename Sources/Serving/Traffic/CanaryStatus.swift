package import Checkpoint
package import ModelStore
import Telemetry

/// A canary as it stands, for people; keeps no model in memory.
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

/// How a canary ended.
package struct CanaryEnd: Sendable {
  package let reason: CanaryEndReason
  package let at: WallTime
  /// As it was then.
  package let status: CanaryStatus
}

/// Why a canary answers no more.
package enum CanaryEndReason: String, MetricLabel {
  /// Too many of its requests failed.
  case errors
  /// It gave logits that are not finite.
  case notFinite = "not_finite"
  /// It had another most likely class than the live model too often.
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

/// What a canary has done so far.
package struct CanaryCounts: Sendable, Hashable {
  /// Answered, refused and failed ones.
  package internal(set) var requests = 0
  /// Requests for which the network, not the client, was at fault.
  package internal(set) var errors = 0
  /// Images that the live model was asked about as well.
  package internal(set) var comparisons = 0
  /// Comparisons with another most likely class.
  package internal(set) var disagreements = 0
}

/// What came of a comparison.
enum CanaryAgreement: String, MetricLabel {
  /// Both models have the same most likely class.
  case agreed
  case disagreed

  static let labelName = "outcome"
}
