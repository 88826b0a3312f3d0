/// How large the budget of memory is, and what of it is gone before anything is served.
package struct MemoryPlan: Sendable, Hashable {
  /// Part of the limit that no budget counts: page tables, sockets, what allocators cannot give back.
  package static let safetyDivisor = 16
  /// The same in bytes where the limit is small: 16 MiB.
  package static let leastSafetyByteCount = 16 << 20
  /// Bytes of a worker beside what it reserves: its stack, its allocator's arena, answers: 4 MiB.
  package static let workerByteCount = 4 << 20
  /// Bytes of I/O threads, metrics and the log: 8 MiB.
  package static let commonByteCount = 8 << 20

  /// Bytes that the process may have in all.
  package let limit: Int
  /// Bytes of the program as it has started, and of the threads that will come.
  package let programByteCount: Int

  /// - Parameters:
  ///   - limit: Nil for what the control group or else the machine allows.
  ///   - buffers: Bytes that connections may have buffered beside bodies.
  ///   - resident: What the process has now.
  package init(
    limit: Int?, workers: Int, buffers: Int, resident: Int = MemoryAllowance.resident ?? 0
  ) {
    // Where nothing tells, nothing is bounded.
    self.limit = limit ?? MemoryAllowance.limit ?? 1 << 46
    programByteCount =
      resident + buffers + Self.commonByteCount + max(1, workers) * Self.workerByteCount
  }

  package var safetyByteCount: Int {
    min(limit, max(Self.leastSafetyByteCount, limit / Self.safetyDivisor))
  }

  /// All that may be reserved, the program's part among it.
  package var budgetByteCount: Int { limit - safetyByteCount }

  /// The budget with the program's part taken; nil where there is not even that.
  package func budget() -> (budget: MemoryBudget, program: Reservation)? {
    let budget = MemoryBudget(byteCount: budgetByteCount)
    guard let program = budget.reserve(programByteCount, isLasting: true, use: .program) else {
      return nil
    }
    return (budget, program)
  }
}
