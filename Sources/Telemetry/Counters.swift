/// Numbers that only grow, one for each label set. Any thread may add to them; none waits.
package final class Counters<Labels: MetricLabels>: Sendable {
  private let description: MetricDescription
  private let showsZeros: Bool
  private let row: AtomicRow

  /// Makes counters that are all zero.
  ///
  /// - Parameter showsZeros: Whether sets that were never counted are shown: useful where they
  ///   are few, since a rate needs a number to grow from.
  package init(_ name: String, _ help: String, showsZeros: Bool = true) {
    description = MetricDescription(.counter, name, help)
    self.showsZeros = showsZeros
    row = AtomicRow(count: Labels.all.count)
  }

  package func add(_ labels: Labels, _ count: Int = 1) { row.add(count, at: labels.index) }

  package subscript(labels: Labels) -> Int { row[labels.index] }

  /// Writes the samples. Labels are made only for those that are shown: few of thousands of label
  /// sets are ever counted.
  package func write(to exposition: inout Exposition) {
    exposition.begin(description)
    let all = Labels.all
    for index in 0..<row.count {
      let count = row[index]
      if count > 0 || showsZeros { exposition.sample(all[index].pairs, count) }
    }
  }
}
