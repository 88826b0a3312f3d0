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
    let burst = MemoryReturn.leastByteCount
    func seconds(isIdle: Bool) -> [Int] {
      var memory = MemoryReturn()
      var times: [Int] = []
      for second in 0..<60 {
        // A burst each second, all of which can be given back.
        let resident = second == 0 ? 1000 : 1000 + burst
        guard memory.look(resident: resident, isIdle: isIdle, after: .seconds(1)) else { continue }
        times.append(second)
        memory.begin()
        memory.returned(resident: 1000, isIdle: isIdle)
      }
      return times
    }
    #expect(seconds(isIdle: true) == Array(stride(from: 1, to: 60, by: 5)))
    #expect(seconds(isIdle: false) == [14, 34, 54])
  }

  @Test("What cannot be given back, or is little, is left alone")
  func remaining() {
    let burst = MemoryReturn.leastByteCount
    var memory = MemoryReturn()
    let little = [1000, 999 + burst].map {
      memory.look(resident: $0, isIdle: true, after: .seconds(60))
    }
    #expect(little == [false, false])
    let first = memory.look(resident: 1000 + burst, isIdle: true, after: .seconds(60))
    memory.begin()
    memory.returned(resident: 900 + burst, isIdle: true)
    let second = memory.look(resident: 1000 + burst, isIdle: true, after: .seconds(60))
    #expect(first && !second)
  }

  @Test("What requests held while memory went back is seen again when they are done")
  func held() {
    let burst = MemoryReturn.leastByteCount
    var memory = MemoryReturn()
    _ = memory.look(resident: 1000, isIdle: true, after: .seconds(60))
    let during = memory.look(resident: 1000 + burst, isIdle: false, after: .seconds(60))
    memory.begin()
    memory.returned(resident: 1000 + burst, isIdle: false)
    // The memory is free by now, and the process still has it.
    let after = memory.look(resident: 1000 + burst, isIdle: true, after: MemoryReturn.idleInterval)
    #expect(during && after)
  }
}
