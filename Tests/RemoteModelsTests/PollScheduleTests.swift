import RemoteModels
import Testing

@Suite struct PollScheduleTests {
  private func delays(_ schedule: PollSchedule) -> [Duration] {
    (0..<1000).map { _ in schedule.delay() }
  }

  @Test func `intervals spread by a fifth to both sides`() {
    let delays = delays(PollSchedule(interval: .seconds(10)))
    #expect(delays.allSatisfy { .seconds(8)...Duration.seconds(12) ~= $0 })
    #expect(delays.contains { $0 < .seconds(9) } && delays.contains { $0 > .seconds(11) })
  }

  @Test func `failures double the interval up to its limit, one success ends that`() {
    var schedule = PollSchedule(interval: .seconds(10), longest: .seconds(60))
    for seconds in [20, 40, 60, 60, 60] {
      schedule.failed()
      let expected = Duration.seconds(seconds) * 0.8...Duration.seconds(seconds) * 1.2
      #expect(delays(schedule).allSatisfy { expected ~= $0 })
    }
    for _ in 0..<100 { schedule.failed() }
    #expect(delays(schedule).allSatisfy { $0 <= .seconds(72) })
    schedule.succeeded()
    #expect(delays(schedule).allSatisfy { $0 <= .seconds(12) })
  }

  @Test func `an interval longer than the limit is its own limit`() {
    var schedule = PollSchedule(interval: .seconds(100), longest: .seconds(1))
    schedule.failed()
    #expect(delays(schedule).allSatisfy { .seconds(80)...Duration.seconds(120) ~= $0 })
  }

  @Test func `the longest interval there is and the shortest are no trouble`() {
    for seconds in [Int64.min, -1, 0, Int64.max] {
      var schedule = PollSchedule(interval: .seconds(seconds), longest: .seconds(seconds))
      for _ in 0..<20 { schedule.failed() }
      #expect(delays(schedule).allSatisfy { .zero...Duration.seconds(9 * 24 * 3600) ~= $0 })
    }
  }
}
