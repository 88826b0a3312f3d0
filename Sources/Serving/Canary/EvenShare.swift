/// Spreads a share over requests as evenly as Bresenham's lines spread their steps: of N requests in a row, the share of N
/// rounded down or up, and never two where one would do.
struct EvenShare: Sendable {
  /// What earlier requests have left over, in hundredths of a percent of a request.
  private var rest = 0

  /// Whether the next request belongs to the share.
  mutating func next(_ percent: CanaryPercent) -> Bool {
    rest += percent.hundredths
    guard rest >= CanaryPercent.whole else { return false }
    rest -= CanaryPercent.whole
    return true
  }
}
