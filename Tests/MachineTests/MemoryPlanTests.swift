import Machine
import Testing

@Suite struct MemoryPlanTests {
  private static let megabyte = 1 << 20

  @Test(
    "A sixteenth of the limit is held back, or 16 MiB of a small one",
    arguments: [(256, 16), (512, 32)])
  func reserve(limit: Int, safety: Int) throws {
    let plan = MemoryPlan(
      limit: limit * Self.megabyte, workers: 2, buffers: 10 * Self.megabyte,
      resident: 40 * Self.megabyte)
    #expect(plan.safetyByteCount == safety * Self.megabyte)
    #expect(plan.programByteCount == (40 + 10 + 8 + 2 * 4) * Self.megabyte)
    let (budget, program) = try #require(plan.budget())
    #expect(program.byteCount == plan.programByteCount)
    #expect(budget.freeByteCount == plan.budgetByteCount - plan.programByteCount)
    #expect(budget.usedByteCount(for: .program) == budget.usedByteCount)
  }

  @Test("A limit too small for the program alone makes no budget")
  func tooSmall() {
    #expect(MemoryPlan(limit: 60 << 20, workers: 1, buffers: 0, resident: 50 << 20).budget() == nil)
    #expect(MemoryPlan(limit: 0, workers: 1, buffers: 0, resident: 0).budget() == nil)
  }

  @Test("The memory that the process holds and may take is read from the system")
  func system() throws {
    let resident = try #require(MemoryAllowance.resident)
    let limit = try #require(MemoryAllowance.limit)
    #expect(resident > 0 && resident < limit)
    #expect(MemoryPlan(limit: nil, workers: 1, buffers: 0).limit == limit)
  }
}
