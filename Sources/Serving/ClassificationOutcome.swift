import Telemetry

/// What became of a request that was admitted to a model.
enum ClassificationOutcome: String, MetricLabels, CaseIterable {
  /// With classes; of a list, perhaps not for every picture.
  case answered
  /// Its pictures or parameters were at fault.
  case refused
  /// The server was at fault.
  case failed
  /// The deadline passed, or the client was gone.
  case late

  static let all = allCases

  init(status: Int) {
    switch status {
    case ..<400: self = .answered
    case ..<500: self = .refused
    case 504: self = .late
    default: self = .failed
    }
  }

  var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  var pairs: MetricLabelPairs { [("outcome", rawValue)] }
}
