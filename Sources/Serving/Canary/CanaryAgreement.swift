import Telemetry

/// What came of a comparison.
enum CanaryAgreement: String, MetricLabels, CaseIterable {
  /// Both models have the same most likely class.
  case agreed
  case disagreed

  static let all = allCases

  var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  var pairs: MetricLabelPairs { [("outcome", rawValue)] }
}
