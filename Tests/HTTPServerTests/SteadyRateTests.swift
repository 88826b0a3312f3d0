import HTTPServer
import Testing

@Suite struct SteadyRateTests {
  @Test("A burst may come at once after any pause, then one for each interval")
  func burst() {
    let rate = SteadyRate(10, per: .seconds(60), burst: 3)
    var due: ContinuousClock.Instant?
    var now = ContinuousClock.now
    for pause in [0, 1_000_000] {
      now += .seconds(pause)
      for _ in 0..<3 { #expect(rate.take(of: &due, at: now) == nil) }
      #expect(rate.take(of: &due, at: now) == .seconds(6))
      now += .seconds(5)
      #expect(rate.take(of: &due, at: now) == .seconds(1))
      now += .seconds(1)
      #expect(rate.take(of: &due, at: now) == nil)
      #expect(rate.take(of: &due, at: now) == .seconds(6))
    }
  }

  @Test("More than a burst are taken if there is room for one, and what follows waits the longer")
  func debt() {
    let rate = SteadyRate(1, per: .seconds(1), burst: 2)
    var due: ContinuousClock.Instant?
    let now = ContinuousClock.now
    #expect(rate.take(of: &due, at: now) == nil)
    // One of the ten has been counted already.
    #expect(rate.take(10, counted: 1, of: &due, at: now) == nil)
    #expect(rate.take(of: &due, at: now) == .seconds(9))
    // Another request that had begun before finds no room, whatever it has counted.
    #expect(rate.take(10, counted: 1, of: &due, at: now) == .seconds(8))
    #expect(rate.take(of: &due, at: now + .seconds(9)) == nil)
  }

  @Test("A delay is told in whole seconds, and never as none")
  func seconds() {
    for (delay, seconds) in [
      (Duration.nanoseconds(1), 1), (.seconds(1), 1), (.milliseconds(1001), 2), (.seconds(60), 60),
    ] { #expect(SteadyRate.retryAfterSeconds(delay) == seconds) }
  }
}
