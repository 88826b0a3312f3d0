import HTTPCore
import Machine
import Serving
import Testing

@Suite struct BodyMemoryTests {
  private static let megabyte = 1 << 20

  private func status(_ memory: BodyMemory, _ length: Int) -> Int? {
    do throws(Problem) {
      try memory.check(length: length)
      return nil
    } catch {
      return error.status
    }
  }

  private func hold(_ memory: BodyMemory, _ byteCount: Int) -> (any BodyHold)? {
    let hold = memory.hold { $0.response }
    return hold.hold(byteCount) ? hold : nil
  }

  @Test("Large bodies take half of what passes at most, so that small ones go on")
  func shares() {
    let budget = MemoryBudget(byteCount: 400 * Self.megabyte)
    let memory = BodyMemory(budget)
    // An attack: many connections, each with a large body that never ends.
    var large = (0..<14).compactMap { _ in hold(memory, 31 * Self.megabyte) }
    #expect(large.count == 6)
    #expect(status(memory, 31 * Self.megabyte) == 503)
    #expect(status(memory, Self.megabyte) == nil)
    var small = (0..<1000).compactMap { _ in hold(memory, Self.megabyte) }
    #expect(small.count == 300 - 6 * 31)
    #expect(status(memory, 1) == 503)
    // A quarter is left for work.
    #expect(budget.freeByteCount == 100 * Self.megabyte)
    withExtendedLifetime(large) {}
    withExtendedLifetime(small) {}
    small.removeAll()
    #expect(status(memory, Self.megabyte) == nil && memory.heldByteCount == 186 * Self.megabyte)
    withExtendedLifetime(large) {}
    large.removeAll()
    #expect(budget.usedByteCount == 0 && memory.heldByteCount == 0)
  }

  @Test("A body that can never fit is refused for good, one that does not fit now for the moment")
  func lengths() throws {
    let budget = MemoryBudget(byteCount: 100 * Self.megabyte)
    let memory = BodyMemory(budget)
    #expect(memory.largestBodyByteCount == 50 * Self.megabyte)
    #expect(status(memory, 50 * Self.megabyte) == nil)
    #expect(status(memory, 50 * Self.megabyte + 1) == 413)
    let work = try #require(budget.reserve(60 * Self.megabyte))
    #expect(status(memory, 50 * Self.megabyte) == 503)
    #expect(hold(memory, 45 * Self.megabyte) == nil)
    _ = work.byteCount
    // A model's lasting reservation makes the share of bodies smaller.
    let model = try #require(budget.reserve(20 * Self.megabyte, isLasting: true, use: .models))
    #expect(status(memory, 50 * Self.megabyte) == 413)
    _ = model.byteCount
  }

  @Test("A hold grows with its body, changes its part with its size, and keeps what it had")
  func growing() throws {
    let budget = MemoryBudget(byteCount: 8 * Self.megabyte)
    let memory = BodyMemory(budget)
    do {
      let hold = memory.hold { $0.response }
      for byteCount in [100, 4096, Self.megabyte, 2 * Self.megabyte, 4 * Self.megabyte] {
        #expect(hold.hold(byteCount))
        #expect(memory.heldByteCount == byteCount && budget.usedByteCount == byteCount)
      }
      #expect(!hold.hold(4 * Self.megabyte + 1))
      #expect(hold.refusal(of: 2 * Self.megabyte).status == 503)
      #expect(hold.refusal(of: 8 * Self.megabyte).status == 413)
      #expect(memory.heldByteCount == 4 * Self.megabyte)
      #expect(self.hold(memory, Self.megabyte) != nil)
      #expect(self.hold(memory, Self.megabyte + 1) == nil)
    }
    #expect(memory.heldByteCount == 0 && budget.usedByteCount == 0)
  }
}
