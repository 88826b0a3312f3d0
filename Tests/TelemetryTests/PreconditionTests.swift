import Telemetry
import Testing

/// Mistakes of the programmer, each of which ends the process.
@Suite struct PreconditionTests {
  @Test("Buckets need bounds, which ascend, and decimal places that are not negative")
  func buckets() async {
    await #expect(processExitsWith: .failure) { _ = Buckets([]) }
    await #expect(processExitsWith: .failure) { _ = Buckets([1, 1]) }
    await #expect(processExitsWith: .failure) { _ = Buckets([1], decimals: -1) }
  }

  @Test("Names are lower-case words, and counters alone end in _total")
  func names() async {
    await #expect(processExitsWith: .failure) { _ = MetricDescription(.gauge, "Depth", "Depth.") }
    await #expect(processExitsWith: .failure) { _ = MetricDescription(.gauge, "1st", "First.") }
    await #expect(processExitsWith: .failure) { _ = MetricDescription(.counter, "turns", "Turns.") }
    await #expect(processExitsWith: .failure) { _ = MetricDescription(.gauge, "a_total", "All.") }
  }

  @Test("A metric begins once, and before its samples")
  func samples() async {
    await #expect(processExitsWith: .failure) {
      var exposition = Exposition()
      exposition.sample([], 1)
    }
    await #expect(processExitsWith: .failure) {
      var exposition = Exposition()
      let description = MetricDescription(.gauge, "depth", "Depth.")
      exposition.begin(description)
      exposition.begin(description)
    }
  }
}
