import Dispatch
import Glibc
import Telemetry
import Testing

private enum Side: Int, MetricLabels, CaseIterable {
  case left, right

  static let all = allCases
  var index: Int { rawValue }
  var pairs: MetricLabelPairs { [("side", self == .left ? "left" : "right")] }
}

@Suite struct MetricTests {
  @Test("An exposition is exactly what the text format says")
  func exposition() {
    let counters = Counters<Side>("turns_total", "Turns taken.")
    counters.add(.right)
    counters.add(.right)
    let sparse = Counters<Side>("stops_total", "Stops.", showsZeros: false)
    let histograms = Histograms<Side>(
      Buckets([500_000_000, 1_000_000_000], decimals: 9), common: [("version", "v1")])
    histograms.observe(1_250_000_001, .left)
    histograms.observe(500_000_000, .left)
    var exposition = Exposition()
    counters.write(to: &exposition)
    sparse.write(to: &exposition)
    exposition.begin(MetricDescription(.histogram, "wait_seconds", "Time spent."))
    histograms.write(to: &exposition)
    exposition.single(MetricDescription(.gauge, "depth", "Depth."), -3)
    exposition.single(MetricDescription(.gauge, "unknown", "Nothing."), nil)
    #expect(
      exposition.text == """
        # HELP turns_total Turns taken.
        # TYPE turns_total counter
        turns_total{side="left"} 0
        turns_total{side="right"} 2
        # HELP wait_seconds Time spent.
        # TYPE wait_seconds histogram
        wait_seconds_bucket{version="v1",side="left",le="0.5"} 1
        wait_seconds_bucket{version="v1",side="left",le="1"} 1
        wait_seconds_bucket{version="v1",side="left",le="+Inf"} 2
        wait_seconds_sum{version="v1",side="left"} 1.750000001
        wait_seconds_count{version="v1",side="left"} 2
        # HELP depth Depth.
        # TYPE depth gauge
        depth -3

        """)
  }

  @Test(
    "A bucket's bound belongs to it",
    arguments: [
      (0, [1, 1, 1]), (10, [1, 1, 1]), (11, [0, 1, 1]), (20, [0, 1, 1]), (21, [0, 0, 1]),
      (.max, [0, 0, 1]),
    ])
  func bounds(value: Int, counts: [Int]) {
    let histograms = Histograms<NoLabels>(Buckets([10, 20]))
    histograms.observe(value, NoLabels())
    var exposition = Exposition()
    exposition.begin(MetricDescription(.histogram, "size", "Sizes."))
    histograms.write(to: &exposition)
    let lines = exposition.text.split(separator: "\n").filter { $0.contains("_bucket") }
    #expect(lines.map { Int($0.split(separator: " ")[1]) } == counts)
    #expect(exposition.text.hasSuffix("size_sum \(value)\nsize_count 1\n"))
  }

  @Test(
    "Characters that would end a value early are escaped",
    arguments: [
      ("a\"b", #"a\"b"#), ("a\\b", #"a\\b"#), ("a\nb", #"a\nb"#), ("é 日", "é 日"), ("", ""),
    ])
  func escapes(value: String, escaped: String) {
    var exposition = Exposition()
    exposition.begin(MetricDescription(.gauge, "x", "\"quotes\" stay, \\ and\nends do not"))
    exposition.sample([("name", value)], 1)
    #expect(
      exposition.text == #"# HELP x "quotes" stay, \\ and\nends do not"# + "\n# TYPE x gauge\n"
        + "x{name=\"\(escaped)\"} 1\n")
  }

  @Test(
    "Decimal fractions are exact, however large",
    arguments: [
      (0, 9, "0"), (1, 9, "0.000000001"), (1_000_000_000, 9, "1"), (1_500_000_000, 9, "1.5"),
      (.max, 9, "9223372036.854775807"), (-25, 1, "-2.5"), (120, 0, "120"), (120, 2, "1.2"),
    ])
  func decimals(value: Int, digits: Int, text: String) {
    var exposition = Exposition()
    exposition.single(MetricDescription(.gauge, "x", "X."), value, decimals: digits)
    #expect(exposition.text.hasSuffix("\nx \(text)\n"))
  }

  @Test("No increment of any thread is lost")
  func concurrency() {
    let counters = Counters<Side>("turns_total", "Turns.")
    let histograms = Histograms<Side>(Buckets([1, 2, 3]))
    let (threadCount, turnCount) = (8, 20_000)
    DispatchQueue.concurrentPerform(iterations: threadCount) { thread in
      let side = thread % 2 == 0 ? Side.left : .right
      for turn in 0..<turnCount {
        counters.add(side)
        histograms.observe(turn % 5, side)
      }
    }
    let each = threadCount / 2 * turnCount
    #expect(counters[.left] == each && counters[.right] == each)
    #expect(histograms.count(.left) == each && histograms.count(.right) == each)
    var exposition = Exposition()
    exposition.begin(MetricDescription(.histogram, "size", "Sizes."))
    histograms.write(to: &exposition)
    #expect(exposition.text.contains("size_sum{side=\"left\"} \(each * 2)\n"))
    #expect(exposition.text.contains("size_bucket{side=\"right\",le=\"2\"} \(each * 3 / 5)\n"))
  }

  @Test("The process is described as the system sees it")
  func process() throws {
    let metrics = ProcessMetrics()
    func values() throws -> [String: Double] {
      var exposition = Exposition()
      metrics.write(to: &exposition)
      return Dictionary(
        uniqueKeysWithValues: try exposition.text.split(separator: "\n")
          .filter { !$0.hasPrefix("#") }.map { line in
            let parts = line.split(separator: " ")
            return (String(parts[0]), try #require(Double(parts[1])))
          })
    }
    let first = try values()
    #expect(first.count == 6)
    let resident = try #require(first["process_resident_memory_bytes"])
    #expect(resident > 1e6)
    #expect(try #require(first["process_virtual_memory_bytes"]) >= resident)
    #expect(try #require(first["process_max_fds"]) >= #require(first["process_open_fds"]))
    #expect(try #require(first["process_open_fds"]) >= 3)
    #expect(try #require(first["process_cpu_seconds_total"]) > 0)
    let age = Double(time(nil)) - (try #require(first["process_start_time_seconds"]))
    #expect(-2...86_400 ~= age)
    #expect(try values()["process_start_time_seconds"] == first["process_start_time_seconds"])
  }
}
