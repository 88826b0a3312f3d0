import Dispatch
import Synchronization
import Time

/// Purpose for which memory is taken.
package enum MemoryUse: Int, Sendable, CaseIterable {
  /// Code, libraries, threads, connections: taken at the start, for good.
  case program
  /// Networks that serve or are being proved.
  case models
  /// Images between their encoded bytes and a network's input.
  case decoding
  /// Bodies of requests that arrive, wait or are served.
  case bodies

  /// Name in metrics.
  package var name: String {
    switch self {
    case .program: "program"
    case .models: "models"
    case .decoding: "decoding"
    case .bodies: "bodies"
    }
  }
}

/// Budget of the bytes that this process may take, shared by everything whose size others decide:
/// models, bodies, decoding.
///
///     byteCount ┬ lasting: the program itself, models that serve, what each worker always holds
///               └ the rest: bodies that arrive or wait, images being decoded, a model being proved
///
/// Whoever takes memory reserves it first and holds the `Reservation` for as long as the memory.
/// Any thread may ask.
package final class MemoryBudget: Sendable {
  private struct Waiter: Sendable {
    let id: Int
    let byteCount: Int
    let isLasting: Bool
    let use: MemoryUse
    let granted: DispatchSemaphore
  }

  private struct State {
    var usedByteCount = 0
    var lastingByteCount = 0
    /// Reserved bytes by use.
    var byteCounts = [Int](repeating: 0, count: MemoryUse.allCases.count)
    /// First come, first served: later ones do not overtake a large one at the front.
    var waiters: [Waiter] = []
    var nextWaiter = 0

    /// Takes so many bytes more, or gives them back if `count` is negative.
    mutating func add(_ count: Int, isLasting: Bool, for use: MemoryUse) {
      usedByteCount += count
      byteCounts[use.rawValue] += count
      if isLasting { lastingByteCount += count }
      precondition(byteCounts[use.rawValue] >= 0, "only reserved bytes can be released")
    }
  }

  /// Interval at which to ask whether a reservation is still wanted.
  private static let interestInterval = Duration.milliseconds(25)

  /// Bytes of the whole budget.
  package let byteCount: Int
  private let state = Mutex(State())

  package init(byteCount: Int) {
    precondition(byteCount >= 0, "byteCount must not be negative")
    self.byteCount = byteCount
  }

  /// Bytes that are reserved at present.
  package var usedByteCount: Int { state.withLock(\.usedByteCount) }

  /// Returns the bytes that are reserved for a use at present.
  package func usedByteCount(for use: MemoryUse) -> Int {
    state.withLock { $0.byteCounts[use.rawValue] }
  }

  /// Bytes that could be reserved at present.
  package var freeByteCount: Int { max(0, byteCount - usedByteCount) }

  /// Most bytes that a passing reservation can ever get: all that are not lasting.
  package var largestByteCount: Int { max(0, byteCount - state.withLock(\.lastingByteCount)) }

  /// Threads that wait for their turn.
  package var waitingCount: Int { state.withLock(\.waiters.count) }

  /// Reserves at once or not at all; nil if so much is not free.
  ///
  /// - Parameters:
  ///   - rest: Bytes that must stay free, for others that cannot wait.
  ///   - isLasting: Whether it is held for minutes or forever, so that nobody should wait for its
  ///     return.
  package func reserve(
    _ count: Int, leaving rest: Int = 0, isLasting: Bool = false, use: MemoryUse = .decoding
  ) -> Reservation? {
    precondition(count >= 0 && rest >= 0, "count and rest must not be negative")
    let isGranted = state.withLock { state in
      guard count <= byteCount - state.usedByteCount - rest else { return false }
      state.add(count, isLasting: isLasting, for: use)
      return true
    }
    return isGranted ? Reservation(count, isLasting: isLasting, use: use, of: self) : nil
  }

  /// Reserves even bytes that are not free: until as many are given back, nobody else gets any.
  ///
  /// For uses that must not fail because others hold the memory, and that are worth drawing on the
  /// safety margin of the limit: a model that administrators go back to.
  package func overdraw(_ count: Int, isLasting: Bool, use: MemoryUse) -> Reservation {
    precondition(count >= 0, "count must not be negative")
    state.withLock { $0.add(count, isLasting: isLasting, for: use) }
    return Reservation(count, isLasting: isLasting, use: use, of: self)
  }

  /// Waits for its turn until there is room; nil if there is none by the deadline, or never can be.
  ///
  /// For threads that may wait: not for an I/O queue, nor for a thread with a reservation that
  /// others wait for.
  ///
  /// - Parameters:
  ///   - isLasting: Whether it is held for minutes or forever.
  ///   - isWanted: Asked now and then; false ends the waiting.
  package func reserve(
    _ count: Int, until deadline: ContinuousClock.Instant, isLasting: Bool = false,
    use: MemoryUse = .decoding, while isWanted: () -> Bool = { true }
  ) -> Reservation? {
    precondition(count >= 0, "count must not be negative")
    let granted = DispatchSemaphore(value: 0)
    let waiter: Waiter? = state.withLock { state in
      if state.waiters.isEmpty, count <= byteCount - state.usedByteCount {
        state.add(count, isLasting: isLasting, for: use)
        return nil
      }
      state.nextWaiter += 1
      let waiter = Waiter(
        id: state.nextWaiter, byteCount: count, isLasting: isLasting, use: use, granted: granted)
      state.waiters.append(waiter)
      return waiter
    }
    guard let waiter else { return Reservation(count, isLasting: isLasting, use: use, of: self) }
    let canEver = count <= largestByteCount
    while canEver, .now < deadline, isWanted() {
      let left = max(.zero, min(deadline - .now, Self.interestInterval))
      if granted.wait(for: left) {
        return Reservation(count, isLasting: isLasting, use: use, of: self)
      }
    }
    // It may have been granted in the meantime.
    let isStillWaiting = state.withLock { state in
      let index = state.waiters.firstIndex { $0.id == waiter.id }
      if let index { state.waiters.remove(at: index) }
      return index != nil
    }
    guard isStillWaiting else {
      return Reservation(count, isLasting: isLasting, use: use, of: self)
    }
    // Those after it may fit where it did not.
    grantWaiting()
    return nil
  }

  fileprivate func grow(by count: Int, isLasting: Bool, for use: MemoryUse) -> Bool {
    state.withLock { state in
      guard count <= byteCount - state.usedByteCount else { return false }
      state.add(count, isLasting: isLasting, for: use)
      return true
    }
  }

  fileprivate func release(_ count: Int, isLasting: Bool, for use: MemoryUse) {
    state.withLock { $0.add(-count, isLasting: isLasting, for: use) }
    grantWaiting()
  }

  private func grantWaiting() {
    let granted = state.withLock { state in
      var granted: [DispatchSemaphore] = []
      while let first = state.waiters.first,
        first.byteCount <= byteCount - state.usedByteCount
      {
        state.add(first.byteCount, isLasting: first.isLasting, for: first.use)
        granted.append(first.granted)
        state.waiters.removeFirst()
      }
      return granted
    }
    for semaphore in granted { semaphore.signal() }
  }
}

/// Bytes of a budget that are reserved until the last reference to this is released.
package final class Reservation: Sendable {
  private let budget: MemoryBudget
  private let isLasting: Bool
  private let use: MemoryUse
  private let count: Mutex<Int>

  fileprivate init(_ count: Int, isLasting: Bool, use: MemoryUse, of budget: MemoryBudget) {
    self.budget = budget
    self.isLasting = isLasting
    self.use = use
    self.count = Mutex(count)
  }

  deinit { budget.release(count.withLock { $0 }, isLasting: isLasting, for: use) }

  package var byteCount: Int { count.withLock { $0 } }

  /// Changes its size; false, with nothing changed, if there is no room for more.
  package func resize(to wanted: Int) -> Bool {
    precondition(wanted >= 0, "wanted must not be negative")
    let released: Int? = count.withLock { count in
      if wanted > count {
        guard budget.grow(by: wanted - count, isLasting: isLasting, for: use) else { return nil }
        count = wanted
        return 0
      }
      defer { count = wanted }
      return count - wanted
    }
    guard let released else { return false }
    if released > 0 { budget.release(released, isLasting: isLasting, for: use) }
    return true
  }
}
