import Telemetry

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
