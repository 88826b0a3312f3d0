import Dispatch
import Synchronization
import Time

/// Work that waits for one of a few workers, bounded by count and by bytes. Any thread may offer.
///
/// A worker is a number below `limits.workers`, used by one thread at a time. It is busy from
/// taking items until it asks for more. Of the workers that wait, the one with the lowest number is
/// woken.
///
/// A worker may set a slow item aside: another thread continues it in one of a few places, and puts
/// it back for its next turn. An item that finds no place is postponed until there is one.
package final class AdmissionQueue<Item: Sendable>: Sendable {
  package typealias Line = WaitingLine<Item>

  private struct State {
    var line: Line
    /// Whether each worker waits for something to take.
    var isIdle: [Bool]
    /// Whether one worker has all cores to itself.
    var isTeamRunning = false
    var areTeamsAllowed = true
    var isClosed = false
    /// Number of items that threads other than the workers' continue.
    var asideCount = 0
    /// Places for them; fewer for a while if memory has run out.
    var asideLimit: Int

    var hasPlaceAside: Bool { asideCount < asideLimit }
    /// Number of items that a worker could take.
    var takeableCount: Int { hasPlaceAside ? line.count : line.readyCount }

    /// Allows no more items aside than now. Returns false if there are none.
    mutating func awaitAside() -> Bool {
      guard asideCount > 0 else { return false }
      asideLimit = asideCount
      return true
    }
  }

  private enum Turn {
    case take([Item])
    case wait(until: ContinuousClock.Instant?)
    case end
  }

  private let state: Mutex<State>
  private let asideLimit: Int
  /// One semaphore for each worker.
  private let wakeUps: [DispatchSemaphore]

  package init(_ limits: Line.Limits, asideLimit: Int = 4) {
    precondition(asideLimit > 0, "asideLimit must be positive")
    self.asideLimit = asideLimit
    state = Mutex(
      State(
        line: Line(limits), isIdle: [Bool](repeating: false, count: limits.workers),
        asideLimit: asideLimit))
    wakeUps = (0..<limits.workers).map { _ in DispatchSemaphore(value: 0) }
  }

  package var count: Int { state.withLock(\.line.count) }

  /// Number of items that a worker could take now.
  package var takeableCount: Int { state.withLock(\.takeableCount) }

  /// Number of items that are set aside.
  package var asideCount: Int { state.withLock(\.asideCount) }

  /// Whether nothing waits, nothing is set aside and no worker is busy.
  package var isQuiet: Bool {
    state.withLock { $0.line.count == 0 && $0.asideCount == 0 && !$0.isIdle.contains(false) }
  }

  /// Returns whether an offer like this would be refused now; only a guess if others offer at the
  /// same time.
  package func isFull(byteCount: Int, priority: Priority) -> Bool {
    state.withLock { $0.line.isFull(byteCount: byteCount, priority: priority) }
  }

  /// Returns the items that had to give way, or nil if the queue is full or closed.
  package func offer(
    _ item: Item, of group: WorkGroup = WorkGroup(), byteCount: Int, priority: Priority = .normal
  ) -> [Item]? {
    let now = ContinuousClock.now
    return change { state in
      guard !state.isClosed,
        case .taken(let pushedOut) = state.line.offer(
          item, of: group, byteCount: byteCount, priority: priority, at: now)
      else { return nil }
      return pushedOut
    }
  }

  /// Takes back an item that was handed out, for its next turn.
  ///
  /// Works on a closed queue too: whoever puts an item back takes again.
  package func putBack(
    _ item: Item, of group: WorkGroup, byteCount: Int, priority: Priority
  ) {
    let now = ContinuousClock.now
    change { state in
      state.line.putBack(item, of: group, byteCount: byteCount, priority: priority, at: now)
    }
  }

  /// Gives chosen items of low priority one turn among those of normal priority, so that they get on
  /// however many others wait.
  package func hasten(where isChosen: (Item) -> Bool) {
    change { state in state.line.hasten(where: isChosen) }
  }

  // MARK: Slow work

  /// Takes a place for an item that was handed out, so that another thread can continue it. Returns
  /// false if all are taken.
  ///
  /// `endAside` gives the place back.
  package func beginAside() -> Bool {
    state.withLock { state in
      guard state.hasPlaceAside else { return false }
      state.asideCount += 1
      return true
    }
  }

  /// Gives a place back and queues the item for its next turn at a worker.
  package func endAside(
    _ item: Item, of group: WorkGroup, byteCount: Int, priority: Priority
  ) {
    let now = ContinuousClock.now
    endAside { state in
      state.line.putBack(item, of: group, byteCount: byteCount, priority: priority, at: now)
    }
  }

  /// Gives a place back; its item is finished.
  package func endAside() { endAside { _ in } }

  /// Gives a place back for lack of memory. Returns false if no other is in use, so that there is
  /// nothing to wait for.
  ///
  /// There are no more places than those in use until one of them is given back.
  package func cannotSetAside() -> Bool { endAside { $0.awaitAside() } }

  /// Limits the places to those in use, for lack of memory, until one of them is given back.
  ///
  /// Returns false if none is in use, so that there is nothing to wait for.
  package func awaitAside() -> Bool { state.withLock { $0.awaitAside() } }

  /// Takes back an item that was handed out, until there is a place to set it aside.
  package func postpone(
    _ item: Item, of group: WorkGroup, byteCount: Int, priority: Priority
  ) {
    let now = ContinuousClock.now
    change { state in
      state.line.postpone(item, of: group, byteCount: byteCount, priority: priority, at: now)
    }
  }

  /// Gives a place back and returns the result of `body`.
  @discardableResult
  private func endAside<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
    let (result, isClosed) = change { state in
      precondition(state.asideCount > 0, "a place must be given back once")
      state.asideCount -= 1
      state.asideLimit = asideLimit
      return (body(&state), state.isClosed)
    }
    // Workers stay for items that are set aside.
    if isClosed { signalAll() }
    return result
  }

  /// Changes the state, and wakes a worker if there is now something for it to take.
  private func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
    let (result, woken) = state.withLock { (body(&$0), Self.wake(&$0)) }
    if let woken { wakeUps[woken].signal() }
    return result
  }

  /// Removes the items that nobody waits for any more; the caller releases them.
  package func remove(where isUnwanted: @Sendable (Item) -> Bool) -> [Item] {
    state.withLock { $0.line.remove(where: isUnwanted) }
  }

  /// Waits for the worker's next items and returns them, or nil once the queue is closed and empty.
  package func take(worker: Int = 0) -> [Item]? {
    while true {
      let now = ContinuousClock.now
      let (turn, woken): (Turn, Int?) = state.withLock { state in
        state.isIdle[worker] = false
        let turn = Self.turn(&state, now)
        switch turn {
        case .take: return (turn, Self.wake(&state))
        case .wait: state.isIdle[worker] = true
        case .end: break
        }
        return (turn, nil)
      }
      if let woken { wakeUps[woken].signal() }
      switch turn {
      case .take(let items): return items
      case .end: return nil
      case .wait(nil): wakeUps[worker].wait()
      case .wait(let due?):
        // Not a nanosecond too early.
        _ = wakeUps[worker].wait(for: due - now + .nanoseconds(1))
      }
    }
  }

  /// Gives a busy worker all cores if nothing waits and no other worker is busy.
  ///
  /// The others are handed nothing until `endTeam`.
  package func beginTeam(worker: Int) -> Bool {
    state.withLock { state in
      let othersAreIdle = state.isIdle.indices.allSatisfy { $0 == worker || state.isIdle[$0] }
      guard state.areTeamsAllowed, !state.isTeamRunning, state.line.count == 0,
        state.asideCount == 0, othersAreIdle
      else { return false }
      state.isTeamRunning = true
      return true
    }
  }

  /// Sets whether a worker may get all cores. A team that runs goes on.
  ///
  /// Not allowed while something else computes on a core: a team is as slow as its slowest thread.
  package func allowTeams(_ areAllowed: Bool) { state.withLock { $0.areTeamsAllowed = areAllowed } }

  /// Gives the cores back.
  package func endTeam() {
    let (woken, isClosed) = state.withLock { state in
      precondition(state.isTeamRunning, "a team must end once")
      state.isTeamRunning = false
      return (Self.wake(&state), state.isClosed)
    }
    if let woken { wakeUps[woken].signal() }
    // Workers that could not see the close meanwhile must see it now.
    if isClosed { signalAll() }
  }

  /// Accepts no more items. Those in the queue are still handed out.
  package func close() {
    state.withLock { $0.isClosed = true }
    signalAll()
  }

  private func signalAll() { for wakeUp in wakeUps { wakeUp.signal() } }

  private static func turn(_ state: inout State, _ now: ContinuousClock.Instant) -> Turn {
    // The worker that runs the team hands over at its end.
    guard !state.isTeamRunning else { return .wait(until: nil) }
    let next = state.line.next(
      at: now, isClosing: state.isClosed, takesSlow: state.hasPlaceAside)
    switch next {
    case .take(let items): return .take(items)
    case .wait(let due):
      return state.isClosed && state.asideCount == 0 ? .end : .wait(until: due)
    }
  }

  /// Picks the worker to wake for items that wait; it counts as busy from now on.
  private static func wake(_ state: inout State) -> Int? {
    guard state.takeableCount > 0, !state.isTeamRunning,
      let worker = state.isIdle.firstIndex(of: true)
    else { return nil }
    state.isIdle[worker] = false
    return worker
  }
}
