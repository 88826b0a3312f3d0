/// Counts a canary's requests and comparisons, and says when it must end. A value without locks or
/// clocks.
package struct CanaryWatch: Sendable {
  package private(set) var counts = CanaryCounts()
  private var requests = RecentOutcomes(limit: CanaryLimits.requestWindow)
  private var comparisons = RecentOutcomes(limit: CanaryLimits.comparisonWindow)

  package init() {}

  /// Counts one of its requests that has ended. Returns the reason to end the canary, if there is
  /// one.
  package mutating func finished(_ outcome: ClassificationOutcome) -> CanaryEndReason? {
    counts.requests += 1
    if outcome.isError { counts.errors += 1 }
    requests.record(isBad: outcome.isError)
    if outcome == .notFinite { return .notFinite }
    return requests.exceed(CanaryLimits.maxErrors, minimum: CanaryLimits.requestMinimum)
      ? .errors : nil
  }

  /// Counts a comparison with the live model. `bar` is the largest share that may disagree, or nil
  /// for any.
  package mutating func compared(agrees: Bool, bar: Double?) -> CanaryEndReason? {
    counts.comparisons += 1
    if !agrees { counts.disagreements += 1 }
    comparisons.record(isBad: !agrees)
    guard let bar else { return nil }
    return comparisons.exceed(bar, minimum: CanaryLimits.comparisonMinimum)
      ? .disagreement : nil
  }
}
