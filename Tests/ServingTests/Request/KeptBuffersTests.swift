import HTTPCore
import Machine
import Serving
import Testing

@Suite struct KeptBuffersTests {
  private static let megabyte = 1 << 20

  private func buffer(_ byteCount: Int) -> [UInt8] { [UInt8](repeating: 1, count: byteCount) }

  @Test("The smallest that fits is given, empty, and none that is more than twice as large")
  func fitting() throws {
    let buffers = KeptBuffers(byteLimit: 8 * Self.megabyte)
    buffers.keep(buffer(3 * Self.megabyte))
    buffers.keep(buffer(2 * Self.megabyte))
    #expect(buffers.take(capacity: Self.megabyte / 2) == nil)
    #expect(buffers.take(capacity: 4 * Self.megabyte) == nil)
    let taken = try #require(buffers.take(capacity: 8 * Self.megabyte / 5))
    #expect(taken.isEmpty && 2..<3 ~= taken.capacity / Self.megabyte)
    #expect(buffers.take(capacity: 8 * Self.megabyte / 5) != nil)
    #expect(buffers.byteCount == 0)
  }

  @Test("No more is kept than the limit; the oldest go, and small ones are not kept at all")
  func limit() {
    let buffers = KeptBuffers(byteLimit: 4 * Self.megabyte)
    buffers.keep(buffer(1000))
    buffers.keep(buffer(5 * Self.megabyte))
    #expect(buffers.byteCount == 0)
    for _ in 0..<9 { buffers.keep(buffer(Self.megabyte)) }
    #expect((2 * Self.megabyte...4 * Self.megabyte) ~= buffers.byteCount)
    buffers.removeAll()
    #expect(buffers.byteCount == 0)
  }

  @Test("A buffer serves one body after the other, counted as what it has room for")
  func bodies() throws {
    let budget = MemoryBudget(byteCount: 100 * Self.megabyte)
    let memory = BodyMemory(budget, keptByteLimit: 8 * Self.megabyte)
    #expect(budget.usedByteCount(for: .program) == 8 * Self.megabyte)
    do {
      let hold = memory.hold { $0.response }
      #expect(hold.hold(2 * Self.megabyte))
      #expect(hold.takeBuffer(capacity: 2 * Self.megabyte) == nil)
      hold.keepBuffer(buffer(3 * Self.megabyte))
    }
    #expect(memory.heldByteCount == 0)
    let hold = memory.hold { $0.response }
    #expect(hold.hold(2 * Self.megabyte))
    let taken = try #require(hold.takeBuffer(capacity: 2 * Self.megabyte))
    #expect(memory.heldByteCount == taken.capacity && taken.capacity >= 3 * Self.megabyte)
  }
}
