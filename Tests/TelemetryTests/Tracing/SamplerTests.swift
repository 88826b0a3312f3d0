import Telemetry
import Testing

@Suite struct SamplerTests {
  private static let low = TraceID("ffffffffffffffff0000000000000001")!
  private static let high = TraceID("0000000000000000ffffffffffffffff")!

  @Test(
    "Each rule of OTEL_TRACES_SAMPLER decides as it says",
    arguments: [
      // Name, ratio, then of the lower trace and the higher one: parent sampled, not sampled, none.
      ("always_on", 0, [true, true, true], [true, true, true]),
      ("always_off", 1, [false, false, false], [false, false, false]),
      ("traceidratio", 0.5, [true, true, true], [false, false, false]),
      ("parentbased_always_on", 0, [true, false, true], [true, false, true]),
      ("parentbased_always_off", 1, [true, false, false], [true, false, false]),
      ("parentbased_traceidratio", 0.5, [true, false, true], [true, false, false]),
      ("parentbased_traceidratio", 0, [true, false, false], [true, false, false]),
      ("parentbased_traceidratio", 1, [true, false, true], [true, false, true]),
    ] as [(String, Double, [Bool], [Bool])])
  func rules(name: String, ratio: Double, low: [Bool], high: [Bool]) throws {
    let sampler = try #require(Sampler(name: name, ratio: ratio))
    #expect(Sampler.names.contains(name))
    for (trace, expected) in [(Self.low, low), (Self.high, high)] {
      #expect([true, false, nil].map { sampler.samples(trace, isParentSampled: $0) } == expected)
    }
  }

  @Test("The usual rule is the default of OpenTelemetry, and other names are none")
  func names() {
    #expect(Sampler.usual == Sampler(name: "parentbased_always_on", ratio: 1))
    #expect(Sampler(name: "jaeger_remote", ratio: 1) == nil)
  }

  @Test("A share of the traces is about that share")
  func share() throws {
    let sampler = try #require(Sampler(name: "traceidratio", ratio: 0.25))
    // Bits of the golden ratio are spread evenly.
    let count = (1...1000).count { index in
      let digits = String(UInt64(index) &* 0x9e37_79b9_7f4a_7c15, radix: 16)
      let padded = String(repeating: "0", count: 31 - digits.count) + "1" + digits
      return TraceID(String(padded.suffix(32))).map {
        sampler.samples($0, isParentSampled: nil)
      } ?? false
    }
    #expect(240...260 ~= count)
  }
}
