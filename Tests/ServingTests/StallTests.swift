import Serving
import Testing

@Suite struct StallTests {
  private func watch() -> StallWatch {
    StallWatch(workerCount: 2, noticeLimit: .seconds(30), endLimit: .seconds(120))
  }

  @Test("A worker that goes from step to step, or waits, is not accused however long it goes on")
  func moving() {
    var watch = watch()
    for second in 0..<1000 {
      let found = watch.look(at: [2 * second + 1, nil], after: .seconds(1))
      #expect(found == .allMove)
    }
  }

  @Test("A worker at one step is noticed after the first limit and lost after the second")
  func standing() {
    var watch = watch()
    for second in 0...1000 {
      let found = watch.look(at: [second, 7], after: .seconds(1))
      switch second {
      case ...30: #expect(found == .allMove)
      case ...120: #expect(found == .stalled(worker: 1, for: .seconds(second)))
      default: #expect(found == .lost(worker: 1, for: .seconds(second)))
      }
    }
  }

  @Test("One that moves again is forgiven")
  func again() {
    var watch = watch()
    for _ in 0...50 { _ = watch.look(at: [1, 3], after: .seconds(1)) }
    let before = watch.look(at: [1, 5], after: .seconds(1))
    let after = watch.look(at: [nil, 5], after: .seconds(1))
    #expect(before == .stalled(worker: 0, for: .seconds(51)) && after == .allMove)
  }

  @Test("An end limit before the first one counts from the first one")
  func limits() {
    var watch = StallWatch(workerCount: 1, noticeLimit: .seconds(30), endLimit: .seconds(1))
    let found = (0...31).map { _ in watch.look(at: [1], after: .seconds(1)) }
    #expect(found.dropLast().allSatisfy { $0 == .allMove })
    #expect(found.last == .lost(worker: 0, for: .seconds(31)))
  }

  @Test(
    "Memory goes back after a burst, soon where nothing is served and seldom where something is")
  func memoryReturn() {
    let burst = 2 * MemoryReturn.leastByteCount
    var quiet = MemoryReturn()
    // What is in use cannot be given back, and a little is kept.
    let found = [(burst, burst), (burst, burst - 1000), (burst, 0), (0, 0)].map { peak, used in
      quiet.look(peak: peak, used: used, isIdle: true, after: .seconds(1))
    }
    #expect(found == [false, false, true, false])
    func seconds(isIdle: Bool) -> Int {
      var memory = MemoryReturn()
      _ = memory.look(peak: burst, used: 0, isIdle: true, after: .seconds(1))
      return (1...100).first { _ in
        memory.look(peak: burst, used: 0, isIdle: isIdle, after: .seconds(1))
      } ?? 0
    }
    #expect(seconds(isIdle: true) == 5)
    #expect(seconds(isIdle: false) == 20)
  }
}
