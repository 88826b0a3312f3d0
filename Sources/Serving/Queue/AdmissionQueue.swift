import Dispatch
import Synchronization
import Time

/// Work that waits for one of a few workers, bounded by count and by bytes. Any thread may offer.
///
/// A worker is a number below `limits.workers` and one thread at a time. It is busy from what it takes until it asks
/// for more. Of the workers that wait, the one with the lowest number is woken.
///
/// A worker may set an item aside that takes long: another thread goes on with it in one of a few places, and puts it
/// back for its next turn. What finds no place is postponed until there is one.
package final class AdmissionQueue<Item: Sendable>: Sendable {
  package typealias Line = WaitingLine<Item>

  private struct State {
    var line: Line
    /// By worker: whether it waits for something to take.
    var isIdle: [Bool]
    /// Whether one worker has all cores to itself.
    var isTeamRunning = false
    var areTeamsAllowed = true
    var isClosed = false
    /// Items that others than workers are at.
    var asideCount = 0
    /// Places for them; fewer for a while where memory has run out.
    var asideLimit: Int

    var hasPlaceAside: Bool { asideCount < asideLimit }
    /// What a worker could take.
    var takeableCount: Int { hasPlaceAside ? line.count : line.readyCount }

    /// Allows no more than are aside now; false where none is.
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
  /// One for each worker.
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

  /// Those that a worker could take now.
  package var takeableCount: Int { state.withLock(\.takeableCount) }

  /// Items that are set aside.
  package var asideCount: Int { state.withLock(\.asideCount) }

  /// Whether nothing waits, nothing is set aside and no worker is busy.
  package var isQuiet: Bool {
    state.withLock { $0.line.count == 0 && $0.asideCount == 0 && !$0.isIdle.contains(false) }
  }

  /// Whether an offer like this would be refused now; a guess where others offer at the same time.
  package func isFull(byteCount: Int, priority: Priority) -> Bool {
    state.withLock { $0.line.isFull(byteCount: byteCount, priority: priority) }
  }

  /// Nil when the queue is full or closed; else what had to give way.
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

  /// Takes back what was handed out, for its next turn, also when the queue is closed: who gives it back takes again.
  package func putBack(
    _ item: Item, of group: WorkGroup, byteCount: Int, priority: Priority
  ) {
    let now = ContinuousClock.now
    change { state in
      state.line.putBack(item, of: group, byteCount: byteCount, priority: priority, at: now)
    }
  }

  // MARK: Slow work

  /// Takes a place for an item that was handed out, for a thread other than the worker's to go on with; `endAside`
  /// gives it back. False where all are taken.
  package func beginAside() -> Bool {
    state.withLock { state in
      guard state.hasPlaceAside else { return false }
      state.asideCount += 1
      return true
    }
  }

  /// The thread is done with its item, which has its next turn at a worker.
  package func endAside(
    _ item: Item, of group: WorkGroup, byteCount: Int, priority: Priority
  ) {
    let now = ContinuousClock.now
    endAside { state in
      state.line.putBack(item, of: group, byteCount: byteCount, priority: priority, at: now)
    }
  }

  /// The thread is done with its item for good.
  package func endAside() { endAside { _ in } }

  /// The place cannot be used for want of memory: there are no more than those in use until one of them is given back.
  /// False where none is, so that nothing is to be waited for.
  package func cannotSetAside() -> Bool { endAside { $0.awaitAside() } }

  /// There is no memory for another item beside those aside: no more get a place until one of them gives its own back.
  /// False where none is aside, so that nothing is to be waited for.
  package func awaitAside() -> Bool { state.withLock { $0.awaitAside() } }

  /// Takes back what was handed out, until there is a place to set it aside.
  package func postpone(
    _ item: Item, of group: WorkGroup, byteCount: Int, priority: Priority
  ) {
    let now = ContinuousClock.now
    change { state in
      state.line.postpone(item, of: group, byteCount: byteCount, priority: priority, at: now)
    }
  }

  /// Gives a place back; what `change` says.
  @discardableResult
  private func endAside<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
    let (result, isClosed) = change { state in
      precondition(state.asideCount > 0, "a place must be given back once")
      state.asideCount -= 1
      state.asideLimit = asideLimit
      return (body(&state), state.isClosed)
    }
    // Workers stay for what is set aside.
    if isClosed { signalAll() }
    return result
  }

  /// Changes the state and wakes the worker that this gives something to take.
  private func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
    let (result, woken) = state.withLock { (body(&$0), Self.wake(&$0)) }
    if let woken { wakeUps[woken].signal() }
    return result
  }

  /// Takes out what nobody waits for any more, to be let go of by the caller.
  package func remove(where isUnwanted: @Sendable (Item) -> Bool) -> [Item] {
    state.withLock { $0.line.remove(where: isUnwanted) }
  }

  /// What the worker is to do next, waiting for it; nil when the queue is closed and empty.
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

  /// Gives a busy worker all cores, if nothing waits and nobody else is busy. Until `endTeam` the others are handed
  /// nothing.
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

  /// Whether anybody gets all cores: not while something else computes on one of them, for a team is as slow as its
  /// slowest thread. A team that runs goes on.
  package func allowTeams(_ areAllowed: Bool) { state.withLock { $0.areTeamsAllowed = areAllowed } }

  /// Gives the cores back.
  package func endTeam() {
    let (woken, isClosed) = state.withLock { state in
      precondition(state.isTeamRunning, "a team must end once")
      state.isTeamRunning = false
      return (Self.wake(&state), state.isClosed)
    }
    if let woken { wakeUps[woken].signal() }
    // Workers that could not see the end meanwhile must see it now.
    if isClosed { signalAll() }
  }

  /// Takes nothing more; what is in it is still handed out.
  package func close() {
    state.withLock { $0.isClosed = true }
    signalAll()
  }

  private func signalAll() { for wakeUp in wakeUps { wakeUp.signal() } }

  private static func turn(_ state: inout State, _ now: ContinuousClock.Instant) -> Turn {
    // Whoever runs the team hands over at its end.
    guard !state.isTeamRunning else { return .wait(until: nil) }
    let next = state.line.next(
      at: now, isClosing: state.isClosed, takesSlow: state.hasPlaceAside)
    switch next {
    case .take(let items): return .take(items)
    case .wait(let due):
      return state.isClosed && state.asideCount == 0 ? .end : .wait(until: due)
    }
  }

  /// The worker to wake for what waits; it counts as busy from now on.
  private static func wake(_ state: inout State) -> Int? {
    guard state.takeableCount > 0, !state.isTeamRunning,
      let worker = state.isIdle.firstIndex(of: true)
    else { return nil }
    state.isIdle[worker] = false
    return worker
  }
}
