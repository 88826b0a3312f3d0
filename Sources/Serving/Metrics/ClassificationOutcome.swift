import Telemetry

/// Outcome of a request that was admitted to a model.
package enum ClassificationOutcome: String, MetricLabel {
  /// Answered with classes; if it is a list, perhaps not for every image.
  case answered
  /// Its images or parameters were at fault.
  case refused
  /// The server was at fault.
  case failed
  /// The network gave logits that are not finite.
  case notFinite = "not_finite"
  /// The deadline passed, or the client was gone.
  case late

  package static let labelName = "outcome"

  var isError: Bool { self == .failed || self == .notFinite }

  init(status: Int) {
    switch status {
    case ..<400: self = .answered
    case ..<500: self = .refused
    case 504: self = .late
    default: self = .failed
    }
  }
}
