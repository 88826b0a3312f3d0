import Synchronization

/// Row of whole numbers, zero at first, to which any thread adds without waiting.
///
/// Its memory belongs to it and holds nothing but atomics: hence `@unchecked Sendable`.
@safe
final class AtomicRow: @unchecked Sendable {
  let count: Int
  private let numbers: UnsafeMutablePointer<Atomic<Int>>

  init(count: Int) {
    precondition(count > 0, "count must be positive")
    self.count = count
    unsafe numbers = .allocate(capacity: count)
    for index in 0..<count { unsafe (numbers + index).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe numbers.deinitialize(count: count)
    unsafe numbers.deallocate()
  }

  func add(_ amount: Int, at index: Int) {
    precondition(0..<count ~= index, "index must be within 0..<count")
    // SAFETY: the index is one of those that were initialised.
    unsafe numbers[index].wrappingAdd(amount, ordering: .relaxed)
  }

  /// Sum so far at an index; numbers read one after the other are not a snapshot of the row.
  subscript(index: Int) -> Int {
    precondition(0..<count ~= index, "index must be within 0..<count")
    // SAFETY: as above.
    return unsafe numbers[index].load(ordering: .relaxed)
  }
}
