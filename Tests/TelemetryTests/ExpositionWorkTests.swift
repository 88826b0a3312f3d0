import Synchronization
import Telemetry
import Testing

/// One of a thousand label sets, which counts how often it is asked for its labels.
private struct CountedLabels: MetricLabels {
  static let askedCount = Atomic(0)
  static let all = (0..<1000).map { CountedLabels(index: $0) }

  let index: Int

  var pairs: MetricLabelPairs {
    Self.askedCount.add(1, ordering: .relaxed)
    return [("set", "\(index)")]
  }
}

@Suite struct ExpositionWorkTests {
  @Test("A label set that was never counted costs a look at its number and nothing else")
  func zeros() {
    let counters = Counters<CountedLabels>("turns_total", "Turns.", showsZeros: false)
    let histograms = Histograms<CountedLabels>(Buckets([1, 2, 3]))
    counters.add(CountedLabels.all[7])
    histograms.observe(2, CountedLabels.all[999])
    var exposition = Exposition()
    counters.write(to: &exposition)
    exposition.begin(MetricDescription(.histogram, "size", "Sizes."))
    histograms.write(to: &exposition)
    // Once for each set that is shown, whatever the number of its lines.
    #expect(CountedLabels.askedCount.load(ordering: .relaxed) == 2)
    #expect(exposition.text.contains("turns_total{set=\"7\"} 1\n"))
    #expect(exposition.text.contains("size_bucket{set=\"999\",le=\"2\"} 1\n"))
  }
}
