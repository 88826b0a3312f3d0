/// Upper bounds of a histogram's buckets, each inclusive, as whole numbers of a decimal fraction of
/// the unit.
package struct Buckets: Sendable, Hashable {
  /// Bounds in ascending order; a larger value falls into a last bucket, `+Inf`.
  package let bounds: [Int]
  /// Decimal places of values and bounds: 9 for nanoseconds shown as seconds.
  package let decimals: Int

  package init(_ bounds: [Int], decimals: Int = 0) {
    precondition(!bounds.isEmpty, "bounds must not be empty")
    precondition(decimals >= 0, "decimals must not be negative")
    precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds must ascend")
    self.bounds = bounds
    self.decimals = decimals
  }

  /// Finds the bucket that a value falls into; `bounds.count` is that of `+Inf`.
  func index(of value: Int) -> Int {
    var index = 0
    while index < bounds.count, bounds[index] < value { index += 1 }
    return index
  }
}
