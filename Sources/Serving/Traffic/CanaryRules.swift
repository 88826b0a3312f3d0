import HTTPCore

/// Rules for which requests a canary answers and how far it may differ from the live model.
package struct CanaryRules: Sendable, Hashable {
  /// Share of the requests that do not choose.
  package var percent: CanaryPercent
  /// Whether requests may choose by `X-Resnetd-Canary`; if not, the field counts as absent.
  package var obeysHeader: Bool
  /// Largest share of comparisons, 0 to 1, in which the most likely class may differ; nil for no
  /// comparing.
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

/// A share of requests in percent, with at most two decimal places.
package struct CanaryPercent: Sendable, Hashable, CustomStringConvertible {
  /// All requests, in hundredths of a percent.
  static let whole = 10_000
  /// Largest error of a number in JSON, since it is not stored as decimal.
  private static let tolerance = 1e-6

  /// Hundredths of a percent, 0 to `whole`.
  package let hundredths: Int

  /// Returns nil if the number is not from 0 to 100, or is finer.
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

/// Limits at which the server ends a canary, and limits on the cost of finding out.
package enum CanaryLimits {
  /// Number of its latest requests, of which not too many may fail.
  package static let requestWindow = 100
  /// Requests below which failures are not judged.
  package static let requestMinimum = 20
  /// Largest share of failed requests in the window.
  package static let maxErrors = 0.05
  /// Number of its latest comparisons with the live model.
  package static let comparisonWindow = 100
  /// Comparisons below which disagreement is not judged.
  package static let comparisonMinimum = 30
  /// Largest share of disagreeing comparisons, unless another is given.
  ///
  /// A model retrained on the same classes stays far below it; one with wrong weights, labels or
  /// preprocessing goes far above.
  package static let maxDisagreement = 0.5
  /// Pause after a comparison, as a multiple of its time: all comparisons take a fiftieth of one
  /// core.
  package static let comparisonPause = 49
}

/// Choice that a request makes by the field `X-Resnetd-Canary`.
package enum CanaryChoice: String, Sendable, Hashable {
  /// The canary answers if there is one.
  case always
  /// The live model answers.
  case never
  /// Nothing is chosen: the canary's share decides.
  case share

  static let field = "X-Resnetd-Canary"

  init(_ fields: HeaderFields) throws(Problem) {
    guard let text = try fields.single(Self.field) else {
      self = .share
      return
    }
    switch text.lowercased() {
    case "always": self = .always
    case "never": self = .never
    default:
      throw .parameter("\(Self.field) is always or never, not \(Quotation.value(text))")
    }
  }
}
