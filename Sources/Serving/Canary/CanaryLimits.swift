/// When a canary is ended by itself, and what finding out may cost.
package enum CanaryLimits {
  /// Its latest requests, of which too many may not fail.
  package static let requestWindow = 100
  /// With fewer requests nothing is said about their failures.
  package static let requestMinimum = 20
  /// Largest share of failed requests in the window.
  package static let maxErrors = 0.05
  /// Its latest comparisons with the live model.
  package static let comparisonWindow = 100
  /// With fewer comparisons nothing is said about disagreement.
  package static let comparisonMinimum = 30
  /// Largest share of disagreeing comparisons where none is given: what another training of the same classes stays far
  /// below, and wrong weights, labels or preprocessing far above.
  package static let maxDisagreement = 0.5
  /// A comparison is followed by none for so many times as long as it took: all of them take a fiftieth of one core.
  package static let comparisonPause = 49
}
