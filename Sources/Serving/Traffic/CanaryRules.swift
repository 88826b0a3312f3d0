import HTTPCore

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

/// A share of requests in percent, with at most two digits behind the point.
package struct CanaryPercent: Sendable, Hashable, CustomStringConvertible {
  /// All requests, in hundredths of a percent.
  static let whole = 10_000
  /// What a number in JSON may be off by for not being decimal.
  private static let tolerance = 1e-6

  /// 0 to `whole`.
  package let hundredths: Int

  /// Nil for what is not from 0 to 100, or is finer.
  package init?(_ percent: Double) {
    guard 0...100 ~= percent else { return nil }
    let hundredths = (percent * 100).rounded()
    guard abs(percent * 100 - hundredths) < Self.tolerance else { return nil }
    self.hundredths = Int(hundredths)
  }

  package var description: String {
    let (whole, rest) = hundredths.quotientAndRemainder(dividingBy: 100)
    if rest == 0 { return String(whole) }
    return rest % 10 == 0 ? "\(whole).\(rest / 10)" : "\(whole).\(rest < 10 ? "0" : "")\(rest)"
  }
}

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

/// What a request says about the canary, in the field `X-Resnetd-Canary`.
enum CanaryChoice: String, Sendable, Hashable {
  /// The canary answers where there is one.
  case always
  /// The live model answers.
  case never
  /// Nothing is said: the canary's share decides.
  case share

  static let field = "X-Resnetd-Canary"

  init(_ fields: HeaderFields) throws(Problem) {
    switch fields[Self.field]?.lowercased() {
    case nil: self = .share
    case "always": self = .always
    case "never": self = .never
    default: throw .parameter("\(Self.field) is always or never")
    }
  }
}
