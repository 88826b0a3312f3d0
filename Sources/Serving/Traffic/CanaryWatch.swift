/// Counts what a canary does and says when it has to go. A value without locks or clocks.
package struct CanaryWatch: Sendable {
  package private(set) var counts = CanaryCounts()
  private var requests = RecentOutcomes(limit: CanaryLimits.requestWindow)
  private var comparisons = RecentOutcomes(limit: CanaryLimits.comparisonWindow)

  package init() {}

  /// One of its requests has ended.
  package mutating func finished(_ outcome: ClassificationOutcome) -> CanaryEndReason? {
    counts.requests += 1
    if outcome.isError { counts.errors += 1 }
    requests.record(isBad: outcome.isError)
    if outcome == .notFinite { return .notFinite }
    return requests.exceed(CanaryLimits.maxErrors, minimum: CanaryLimits.requestMinimum)
      ? .errors : nil
  }

  /// The live model was asked about the same image; `bar` is the largest share that may disagree, nil for any.
  package mutating func compared(agrees: Bool, bar: Double?) -> CanaryEndReason? {
    counts.comparisons += 1
    if !agrees { counts.disagreements += 1 }
    comparisons.record(isBad: !agrees)
    guard let bar else { return nil }
    return comparisons.exceed(bar, minimum: CanaryLimits.comparisonMinimum)
      ? .disagreement : nil
  }
}
