/// Numbers that only grow, one for each label set. Any thread may add to them; none waits.
package final class Counters<Labels: MetricLabels>: Sendable {
  private let description: MetricDescription
  private let showsZeros: Bool
  private let row = AtomicRow(count: Labels.all.count)

  /// `showsZeros` says whether label sets are shown that were never counted: good for few, for a rate needs a
  /// number to grow from.
  package init(_ name: String, _ help: String, showsZeros: Bool = true) {
    description = MetricDescription(.counter, name, help)
    self.showsZeros = showsZeros
  }

  package func add(_ labels: Labels) { row.add(1, at: labels.index) }

  package subscript(labels: Labels) -> Int { row[labels.index] }

  package func write(to exposition: inout Exposition) {
    exposition.begin(description)
    for labels in Labels.all {
      let count = row[labels.index]
      if count > 0 || showsZeros { exposition.sample(labels.pairs, count) }
    }
  }
}
