import Glibc

/// A share of images, with what it says about others of their kind.
struct Proportion: Sendable {
  /// Quantile of the normal distribution for 95 %.
  private static let z = 1.959963984540054

  let count: Int
  let total: Int

  init(_ count: Int, of total: Int) { (self.count, self.total) = (count, total) }

  var value: Double { total == 0 ? 0 : Double(count) / Double(total) }

  /// Interval of Wilson 1927 at 95 %, which holds for small numbers too.
  var interval: (low: Double, high: Double) {
    guard total > 0 else { return (0, 1) }
    let (n, z2) = (Double(total), Self.z * Self.z)
    let center = (value + z2 / (2 * n)) / (1 + z2 / n)
    let spread =
      Self.z / (1 + z2 / n) * (value * (1 - value) / n + z2 / (4 * n * n)).squareRoot()
    return (max(0, center - spread), min(1, center + spread))
  }
}
