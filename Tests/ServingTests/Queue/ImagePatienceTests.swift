import Serving
import Testing

@Suite struct ImagePatienceTests {
  private let start = ContinuousClock.now

  private func milliseconds(
    _ patience: ImagePatience, byteCount: Int = 0, isSlow: Bool = false,
    at now: ContinuousClock.Instant
  ) -> Int {
    let grant = patience.patience(byteCount: byteCount, isSlow: isSlow, at: now)
    return Int(grant.duration / .milliseconds(1))
  }

  /// Has images of a few bytes outlast their patience, each by as much as it was.
  private func outlast(
    _ patience: ImagePatience, count: Int, byteCount: Int = 0, at now: ContinuousClock.Instant
  ) {
    for _ in 0..<count {
      let grant = patience.patience(byteCount: byteCount, isSlow: false, at: now)
      patience.outlasted(grant, after: grant.duration * 2, at: now)
    }
  }

  @Test("An image has time by its bytes, and less after a slow one of its request")
  func bytes() {
    let patience = ImagePatience(now: start)
    #expect(milliseconds(patience, at: start) == 8)
    #expect(milliseconds(patience, byteCount: 2 << 20, at: start) == 48)
    #expect(milliseconds(patience, isSlow: true, at: start) == 2)
  }

  @Test("While images keep workers in vain there is less, but never less than bytes have paid for")
  func debt() {
    let patience = ImagePatience(now: start)
    outlast(patience, count: 6, at: start)
    #expect(milliseconds(patience, at: start) == 8, "96 ms prove nothing")
    outlast(patience, count: 1, at: start)
    #expect(milliseconds(patience, at: start) == 2)
    #expect(milliseconds(patience, byteCount: 2 << 20, at: start) == 42)
    #expect(milliseconds(patience, at: start + .milliseconds(240)) == 8)
  }

  @Test("What was in vain is forgotten after two seconds, however many images come meanwhile")
  func recovery() {
    let patience = ImagePatience(now: start)
    outlast(patience, count: 1000, at: start)
    var now = start
    // They have the short patience, and nothing is known of them.
    while milliseconds(patience, at: now) == 2 {
      outlast(patience, count: 1, at: now)
      now += .milliseconds(10)
    }
    #expect(now <= start + .seconds(2))
    // A clock that another thread has read earlier takes nothing back.
    let grant = patience.patience(byteCount: 0, isSlow: true, at: now)
    patience.outlasted(grant, after: .seconds(1), at: start)
    #expect(milliseconds(patience, at: now) == 8)
  }

  @Test("Time that bytes have paid for is no debt")
  func paid() {
    let patience = ImagePatience(now: start)
    let grant = patience.patience(byteCount: 100 << 20, isSlow: false, at: start)
    for _ in 0..<100 {
      patience.outlasted(grant, after: grant.duration - .milliseconds(8), at: start)
    }
    #expect(milliseconds(patience, at: start) == 8)
  }
}
