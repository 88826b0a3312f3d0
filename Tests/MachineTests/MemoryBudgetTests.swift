import Dispatch
import Glibc
import Machine
import Synchronization
import Testing

@Suite struct MemoryBudgetTests {
  @Test("Reserved bytes are taken until the reservation is released")
  func reserving() throws {
    let budget = MemoryBudget(byteCount: 100)
    var first = budget.reserve(60)
    #expect(first != nil && budget.freeByteCount == 40)
    #expect(budget.reserve(41) == nil)
    let second = budget.reserve(40)
    #expect(second != nil && budget.freeByteCount == 0)
    first = nil
    #expect(budget.freeByteCount == 60)
    _ = second
  }

  @Test("A reservation grows if there is room, always shrinks, and gives back its final size")
  func resizing() throws {
    let budget = MemoryBudget(byteCount: 100)
    do {
      let reservation = try #require(budget.reserve(10))
      #expect(reservation.resize(to: 100) && budget.freeByteCount == 0)
      #expect(!reservation.resize(to: 101) && reservation.byteCount == 100)
      #expect(reservation.resize(to: 30) && budget.freeByteCount == 70)
    }
    #expect(budget.usedByteCount == 0)
  }

  @Test("Nobody waits for more than lasting reservations leave")
  func lasting() throws {
    let budget = MemoryBudget(byteCount: 100)
    let model = try #require(budget.reserve(80, isLasting: true))
    #expect(budget.largestByteCount == 20)
    #expect(budget.reserve(21, until: .now + .seconds(3600)) == nil)
    #expect(budget.reserve(20, until: .now + .seconds(3600)) != nil)
    #expect(model.byteCount == 80 && budget.usedByteCount == 80)
  }

  @Test("Waiting threads are granted in order of arrival, and none overtakes another")
  func waiting() throws {
    let budget = MemoryBudget(byteCount: 100)
    var held = budget.reserve(90)
    #expect(held != nil)
    let order = Mutex<[Int]>([])
    let done = DispatchGroup()
    for count in [80, 5] {
      DispatchQueue(label: "waiter").async(group: done) {
        let granted = budget.reserve(count, until: .now + .seconds(600))
        order.withLock { $0.append(granted?.byteCount ?? -1) }
      }
      let wanted = count == 80 ? 1 : 2
      while budget.waitingCount < wanted { sched_yield() }
    }
    // Five bytes are free, but the one at the front waits for more.
    let early = order.withLock { $0 }
    #expect(early.isEmpty)
    held = nil
    done.wait()
    let all = order.withLock { $0.sorted() }
    #expect(all == [5, 80] && budget.usedByteCount == 0)
    _ = held
  }

  @Test("Each use is counted by itself")
  func uses() throws {
    let budget = MemoryBudget(byteCount: 100)
    do {
      let body = try #require(budget.reserve(10, use: .bodies))
      let model = try #require(budget.reserve(20, isLasting: true, use: .models))
      let image = try #require(budget.reserve(30, until: .now))
      #expect(body.resize(to: 50))
      #expect(MemoryUse.allCases.map { budget.usedByteCount(for: $0) } == [0, 20, 30, 50])
      _ = (model.byteCount, image.byteCount)
    }
    #expect(MemoryUse.allCases.allSatisfy { budget.usedByteCount(for: $0) == 0 })
  }

  @Test("Overdrawn bytes must be given back before anybody gets more")
  func overdrawing() {
    let budget = MemoryBudget(byteCount: 100)
    let body = budget.reserve(70, use: .bodies)
    var model = budget.overdraw(50, isLasting: true, use: .models) as Reservation?
    #expect(budget.usedByteCount == 120 && budget.freeByteCount == 0)
    #expect(budget.reserve(1) == nil && budget.largestByteCount == 50)
    model = nil
    #expect(budget.freeByteCount == 30 && body?.byteCount == 70)
    _ = model
  }

  @Test("A deadline that has passed ends the waiting, and leaves nothing reserved")
  func late() throws {
    let budget = MemoryBudget(byteCount: 10)
    let held = try #require(budget.reserve(10))
    #expect(budget.reserve(1, until: .now) == nil)
    #expect(held.byteCount == 10 && budget.usedByteCount == 10)
  }
}
