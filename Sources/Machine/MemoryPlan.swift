/// Size of the budget of memory, and the part of it that is taken before anything is served.
package struct MemoryPlan: Sendable, Hashable {
  /// Divisor of the limit that gives the part that no budget counts: page tables, sockets, memory
  /// that allocators cannot give back.
  package static let safetyDivisor = 16
  /// Least bytes of that part, for small limits: 16 MiB.
  package static let leastSafetyByteCount = 16 << 20
  /// Bytes of a worker beside what it reserves: its stack, its allocator's arena, answers: 4 MiB.
  package static let workerByteCount = 4 << 20
  /// Bytes of I/O threads, metrics and the log: 8 MiB.
  package static let commonByteCount = 8 << 20

  /// Bytes that the process may have in all.
  package let limit: Int
  /// Bytes of the program as it has started, and of the threads that are still to start.
  package let programByteCount: Int

  /// - Parameters:
  ///   - limit: Bytes that the process may have; nil for the limit of the control group, or else of
  ///     the machine.
  ///   - buffers: Bytes that connections may have buffered beside bodies.
  ///   - resident: Bytes that the process holds at present.
  package init(
    limit: Int?, workers: Int, buffers: Int, resident: Int = MemoryAllowance.resident ?? 0
  ) {
    // If no limit is known, nothing is bounded.
    self.limit = limit ?? MemoryAllowance.limit ?? 1 << 46
    programByteCount =
      resident + buffers + Self.commonByteCount + max(1, workers) * Self.workerByteCount
  }

  package var safetyByteCount: Int {
    min(limit, max(Self.leastSafetyByteCount, limit / Self.safetyDivisor))
  }

  /// Returns the least limit that leaves a budget of so many bytes.
  package static func limit(leaving byteCount: Int) -> Int {
    max(byteCount + leastSafetyByteCount, limit(forBudget: byteCount))
  }

  /// Returns by how much a large limit must grow for so many bytes more in the budget.
  package static func limit(forBudget byteCount: Int) -> Int {
    let rest = safetyDivisor - 1
    return (byteCount * safetyDivisor + rest - 1) / rest
  }

  /// Bytes that may be reserved, including the program's part.
  package var budgetByteCount: Int { limit - safetyByteCount }

  /// Makes the budget with the program's part reserved; nil if not even that fits.
  package func budget() -> (budget: MemoryBudget, program: Reservation)? {
    let budget = MemoryBudget(byteCount: budgetByteCount)
    guard let program = budget.reserve(programByteCount, isLasting: true, use: .program) else {
      return nil
    }
    return (budget, program)
  }
}
