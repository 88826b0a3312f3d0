/// Distributions of values over buckets, one for each label set.
///
/// Any thread may add to them; none waits.
///
/// Values are whole numbers (see `Buckets`), so their sums are exact; those of nanoseconds wrap
/// after 292 years.
package final class Histograms<Labels: MetricLabels>: Sendable {
  package let buckets: Buckets
  private let common: MetricLabelPairs
  /// Label `le` of each bucket as it is written, with the brace after it; that of `+Inf` last.
  private let bounds: [[UInt8]]
  private let row: AtomicRow

  /// Makes histograms without observations; `common` stands before the labels of every set.
  package init(_ buckets: Buckets, common: MetricLabelPairs = []) {
    self.buckets = buckets
    self.common = common
    bounds =
      buckets.bounds.map { bound in
        var label = Array("le=\"".utf8)
        Exposition.append(bound, decimals: buckets.decimals, to: &label)
        return label + Array("\"}".utf8)
      } + [Array("le=\"+Inf\"}".utf8)]
    row = AtomicRow(count: Labels.all.count * Self.width(buckets))
  }

  /// Count of the numbers of one label set: a count per bucket, that of `+Inf`, and the sum.
  private static func width(_ buckets: Buckets) -> Int { buckets.bounds.count + 2 }

  /// Counts a value in the buckets' unit, zero or more.
  package func observe(_ value: Int, _ labels: Labels) {
    let start = labels.index * Self.width(buckets)
    row.add(1, at: start + buckets.index(of: value))
    row.add(value, at: start + buckets.bounds.count + 1)
  }

  /// Number of observations of a label set in each bucket so far, that of `+Inf` last.
  package func counts(_ labels: Labels) -> [Int] {
    let start = labels.index * Self.width(buckets)
    return (start...start + buckets.bounds.count).map { row[$0] }
  }

  /// Number of observations of a label set so far.
  package func count(_ labels: Labels) -> Int {
    counts(labels).reduce(0, +)
  }

  /// Adds the samples of every set that has been observed; the caller has begun the metric, which
  /// several objects with differing common labels may share.
  ///
  /// While others add, sum and counts may differ by what is just being added.
  package func write(to exposition: inout Exposition) {
    let (width, boundCount) = (Self.width(buckets), buckets.bounds.count)
    let all = Labels.all
    for (index, start) in stride(from: 0, to: row.count, by: width).enumerated() {
      guard (start...start + boundCount).contains(where: { row[$0] > 0 }) else { continue }
      let labels = Exposition.written(common + all[index].pairs)
      let opening = exposition.opening(labels, suffix: "_bucket", isOpen: true)
      var count = 0
      for bucket in 0...boundCount {
        count += row[start + bucket]
        exposition.line(opening, bounds[bucket], count)
      }
      exposition.line(
        exposition.opening(labels, suffix: "_sum"), [], row[start + boundCount + 1],
        decimals: buckets.decimals)
      exposition.line(exposition.opening(labels, suffix: "_count"), [], count)
    }
  }
}
