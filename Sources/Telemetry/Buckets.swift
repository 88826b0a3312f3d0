/// The upper bounds of a histogram's buckets, each inclusive, as whole numbers of a decimal fraction of the unit.
package struct Buckets: Sendable, Hashable {
  /// Ascending; what is larger than all falls into a last bucket, `+Inf`.
  package let bounds: [Int]
  /// Digits behind the point of values and bounds: 9 for nanoseconds shown as seconds.
  package let decimals: Int

  package init(_ bounds: [Int], decimals: Int = 0) {
    precondition(!bounds.isEmpty && decimals >= 0, "a histogram has a bound")
    precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds ascend")
    self.bounds = bounds
    self.decimals = decimals
  }

  /// The bucket that a value falls into; `bounds.count` is that of `+Inf`.
  func index(of value: Int) -> Int {
    var index = 0
    while index < bounds.count, bounds[index] < value { index += 1 }
    return index
  }
}
