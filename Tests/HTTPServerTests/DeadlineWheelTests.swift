import HTTPServer
import Testing

/// Deadlines on a clock that only tests move.
struct DeadlineWheelTests {
  private let start = ContinuousClock.Instant.now

  @Test(
    "An entry is due at its deadline, and at most a step later",
    arguments: [0, 1, 49, 50, 51, 999, 75_000])
  func lateness(milliseconds: Int) {
    var wheel = DeadlineWheel<Int>(now: start)
    let deadline = start + .milliseconds(milliseconds)
    wheel.add(1, due: deadline)
    var now = start
    var due = wheel.due(at: now)
    while due.isEmpty {
      #expect(now < deadline + .milliseconds(50))
      now += .milliseconds(10)
      due = wheel.due(at: now)
    }
    #expect(due == [1] && now >= deadline)
    #expect(wheel.count == 0)
  }

  @Test("A pause of the timer loses nothing, and what is added late is due at once")
  func pause() {
    var wheel = DeadlineWheel<Int>(now: start)
    for index in 0..<10 { wheel.add(index, due: start + .seconds(index)) }
    #expect(wheel.due(at: start + .milliseconds(4500)) == [0, 1, 2, 3, 4])
    wheel.add(10, due: start)
    #expect(wheel.due(at: start + .milliseconds(4600)) == [10])
    #expect(wheel.due(at: start + .seconds(100_000)) == [5, 6, 7, 8, 9])
  }

  @Test("Ten thousand entries that are not due cost a tick nothing")
  func cost() {
    var wheel = DeadlineWheel<Int>(now: start)
    for index in 0..<10_000 { wheel.add(index, due: start + .seconds(75)) }
    for tick in 0..<1000 { #expect(wheel.due(at: start + .milliseconds(50 * tick)).isEmpty) }
    #expect(wheel.count == 10_000)
  }
}
