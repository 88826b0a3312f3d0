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
