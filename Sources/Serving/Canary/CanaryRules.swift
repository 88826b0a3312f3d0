/// Which requests a canary answers, and how far it may differ from the live model.
package struct CanaryRules: Sendable, Hashable {
  /// Of the requests that say nothing.
  package var percent: CanaryPercent
  /// Whether requests may choose by `X-Resnetd-Canary`; where not, it counts as not given.
  package var obeysHeader: Bool
  /// Largest share of comparisons, 0 to 1, in which another class may be most likely; nil for no comparing.
  package var maxDisagreement: Double?

  package init(
    percent: CanaryPercent, obeysHeader: Bool = true,
    maxDisagreement: Double? = CanaryLimits.maxDisagreement
  ) {
    self.percent = percent
    self.obeysHeader = obeysHeader
    self.maxDisagreement = maxDisagreement
  }
}
