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

  @Test("A schedule that is shortened goes on where it was, and falls to the same end")
  func shortened() {
    let planned = Schedule.oneCycle(peak: 1, stepCount: 100)
    let once = Schedule.shortened(planned, stepCount: 100, from: 40, to: 71)
    #expect((0...40).allSatisfy { once.rate(at: $0) == planned.rate(at: $0) })
    // 59 steps in 30.
    #expect(
      (0...30).allSatisfy {
        let place = 40 + 59 * Double($0) / 30
        let (low, high) = (planned.rate(at: Int(place)), planned.rate(at: Int(place.rounded(.up))))
        return once.rate(at: 40 + $0) <= low && once.rate(at: 40 + $0) >= high
      })
    #expect(once.rate(at: 70) == planned.rate(at: 99) && once.rate(at: 90) == once.rate(at: 70))
    let twice = Schedule.shortened(once, stepCount: 71, from: 50, to: 60)
    #expect((0...50).allSatisfy { twice.rate(at: $0) == once.rate(at: $0) })
    #expect(twice.rate(at: 59) == planned.rate(at: 99))
    let all = [
      Schedule.cosine(peak: 1, stepCount: 20, warmUpStepCount: 3),
      .exponential(first: 1, last: 0.1, stepCount: 20), .constant(1),
    ]
    for schedule in all {
      let last = Schedule.shortened(schedule, stepCount: 20, from: 9, to: 10)
      #expect(last.rate(at: 8) == schedule.rate(at: 8) && last.rate(at: 9) == schedule.rate(at: 19))
      let short = Schedule.shortened(schedule, stepCount: 20, from: 8, to: 10)
      #expect(
        short.rate(at: 8) == schedule.rate(at: 8) && short.rate(at: 9) == schedule.rate(at: 19))
    }
  }
}
