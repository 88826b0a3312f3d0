/// Distributions of values over buckets, one for each label set. Any thread may add to them; none waits.
///
/// Values are whole numbers (see `Buckets`), so their sums are exact; those of nanoseconds wrap after 292 years.
package final class Histograms<Labels: MetricLabels>: Sendable {
  package let buckets: Buckets
  private let common: MetricLabelPairs
  private let row: AtomicRow

  /// `common` stands before the labels of every set.
  package init(_ buckets: Buckets, common: MetricLabelPairs = []) {
    self.buckets = buckets
    self.common = common
    row = AtomicRow(count: Labels.all.count * Self.width(buckets))
  }

  /// Numbers of one label set: a count per bucket, that of `+Inf`, and the sum.
  private static func width(_ buckets: Buckets) -> Int { buckets.bounds.count + 2 }

  /// A count of the buckets' unit, zero or more.
  package func observe(_ value: Int, _ labels: Labels) {
    let start = labels.index * Self.width(buckets)
    row.add(1, at: start + buckets.index(of: value))
    row.add(value, at: start + buckets.bounds.count + 1)
  }

  /// Observations of a label set so far.
  package func count(_ labels: Labels) -> Int {
    let start = labels.index * Self.width(buckets)
    return (start...start + buckets.bounds.count).reduce(0) { $0 + row[$1] }
  }

  /// Adds the samples of every set that has been observed; the caller has begun the metric, which
  /// several objects with differing common labels may share.
  ///
  /// While others add, the sum may be ahead of the counts or behind them by what is just being added.
  package func write(to exposition: inout Exposition) {
    for labels in Labels.all where count(labels) > 0 {
      let start = labels.index * Self.width(buckets)
      let pairs = common + labels.pairs
      var count = 0
      for (index, bound) in buckets.bounds.enumerated() {
        count += row[start + index]
        let text = Exposition.decimal(bound, decimals: buckets.decimals)
        exposition.sample(pairs + [("le", text)], count, suffix: "_bucket")
      }
      count += row[start + buckets.bounds.count]
      exposition.sample(pairs + [("le", "+Inf")], count, suffix: "_bucket")
      exposition.sample(
        pairs, row[start + buckets.bounds.count + 1], decimals: buckets.decimals, suffix: "_sum")
      exposition.sample(pairs, count, suffix: "_count")
    }
  }
}
