import Serving
import Testing

@Suite struct ImagePatienceTests {
  private let start = ContinuousClock.now

  @Test("An image has time by its bytes, and a quarter of it after a slow one of its request")
  func bytes() {
    let patience = ImagePatience(now: start)
    #expect(patience.patience(byteCount: 0, isSlow: false, at: start) == .milliseconds(8))
    #expect(patience.patience(byteCount: 2 << 20, isSlow: false, at: start) == .milliseconds(48))
    #expect(patience.patience(byteCount: 0, isSlow: true, at: start) == .milliseconds(2))
  }

  @Test(
    "While images keep workers in vain there is less, until a twentieth of the time has paid for it"
  )
  func debt() {
    let patience = ImagePatience(now: start)
    patience.outlasted(.milliseconds(100), at: start)
    #expect(patience.patience(byteCount: 0, isSlow: false, at: start) == .milliseconds(8))
    patience.outlasted(.milliseconds(1), at: start)
    #expect(patience.patience(byteCount: 0, isSlow: false, at: start) == .milliseconds(2))
    let later = start + .milliseconds(20)
    #expect(patience.patience(byteCount: 0, isSlow: false, at: later) == .milliseconds(8))
  }

  @Test("However much was in vain, it is forgotten after two seconds")
  func limit() {
    let patience = ImagePatience(now: start)
    for _ in 0..<1000 { patience.outlasted(.seconds(1), at: start) }
    let before = start + .milliseconds(1_999)
    #expect(patience.patience(byteCount: 0, isSlow: false, at: before) == .milliseconds(2))
    let after = start + .seconds(2)
    #expect(patience.patience(byteCount: 0, isSlow: false, at: after) == .milliseconds(8))
    // A time that another thread has read earlier takes nothing back.
    patience.outlasted(.zero, at: start)
    #expect(patience.patience(byteCount: 0, isSlow: false, at: after) == .milliseconds(8))
  }
}
