import Telemetry

/// What came of a comparison.
enum CanaryAgreement: String, MetricLabel {
  /// Both models have the same most likely class.
  case agreed
  case disagreed

  static let labelName = "outcome"
}
