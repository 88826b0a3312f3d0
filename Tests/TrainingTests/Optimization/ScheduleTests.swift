import Testing
import Training

@Suite struct ScheduleTests {
  @Test("Rates are PyTorch's at every step")
  func rates() throws {
    let fixture = try SmallFixture()
    for (name, schedule) in [
      ("oneCycle", Schedule.oneCycle(peak: 0.4, stepCount: 20)),
      (
        "oneCycleQuarter",
        .oneCycle(peak: 0.4, stepCount: 17, risingShare: 0.25, startDivisor: 10, endDivisor: 100)
      ),
      ("cosine", .cosine(peak: 0.4, stepCount: 20)),
      ("warmCosine", .cosine(peak: 0.4, stepCount: 20, warmUpStepCount: 5, end: 0.001)),
    ] {
      for (step, rate) in try fixture.numbers(name).enumerated() {
        #expect(abs(schedule.rate(at: step) - rate) < 1e-9, "\(name), step \(step)")
      }
    }
  }

  @Test("Beyond the last step the rate remains, and a cycle of few steps has finite rates")
  func ends() {
    for count in 1...4 {
      let schedule = Schedule.oneCycle(peak: 1, stepCount: count)
      #expect((0..<count).allSatisfy { (0...1).contains(schedule.rate(at: $0)) })
      #expect(schedule.rate(at: count + 5) == schedule.rate(at: count - 1))
    }
    #expect(Schedule.cosine(peak: 1, stepCount: 3, end: 0.5).rate(at: 9) == 0.5)
    #expect(Schedule.constant(0.25).rate(at: 7) == 0.25)
    let rising = Schedule.exponential(first: 1e-4, last: 1, stepCount: 5)
    for (step, rate) in [1e-4, 1e-3, 1e-2, 0.1, 1, 1].enumerated() {
      #expect(abs(rising.rate(at: step) / rate - 1) < 1e-12)
    }
  }
}
