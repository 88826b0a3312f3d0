import Serving
import Testing

@Suite struct WaitingLineTests {
  private typealias Group = WorkGroup

  private let start = ContinuousClock.now

  private func line(
    count: Int = 10, bytes: Int = 100, _ change: (inout WaitingLine<Int>.Limits) -> Void = { _ in }
  ) -> WaitingLine<Int> {
    var limits = WaitingLine<Int>.Limits(count: count, bytes: bytes)
    change(&limits)
    return WaitingLine(limits)
  }

  @Test("A worker takes its share of what waits, in order, and never more than a batch")
  func shares() {
    var line = line { $0.workers = 2 }
    for item in 1...10 { #expect(line.add(item, of: Group(batch: 4), at: start) == []) }
    var taken: [[Int]] = []
    while let items = line.taken(at: start) { taken.append(items) }
    #expect(taken == [[1, 2, 3, 4], [5, 6, 7], [8, 9], [10]])
  }

  @Test("Neither count nor bytes go over their limits, and room comes back")
  func limits() {
    var line = line(count: 2, bytes: 10)
    #expect(line.add(1, bytes: 6, at: start) == [])
    #expect(line.add(2, bytes: 5, at: start) == nil)
    #expect(line.add(2, bytes: 4, at: start) == [])
    #expect(line.add(3, bytes: 0, at: start) == nil)
    #expect(line.taken(at: start) == [1])
    #expect(line.add(3, bytes: 6, at: start) == [])
    #expect(line.count == 2)
  }

  @Test(
    "What is put back has its next turn after all that wait, limits or not, and is not held back")
  func puttingBack() {
    var line = line(count: 2, bytes: 10) { $0.delay = .seconds(10) }
    let group = Group(batch: 4)
    #expect(line.add(1, of: group, bytes: 5, at: start) == [])
    #expect(line.add(2, of: group, bytes: 5, at: start) == [])
    #expect(line.isFull(byteCount: 0, priority: .normal))
    #expect(line.taken(at: start) == nil)
    line.putBack(3, of: group, byteCount: 5, priority: .normal, at: start)
    #expect(line.count == 3 && line.isFull(byteCount: 0, priority: .normal))
    #expect(line.taken(at: start) == [1, 2, 3])
    line.putBack(3, of: group, byteCount: 5, priority: .normal, at: start)
    #expect(line.taken(at: start) == [3])
    #expect(!line.isFull(byteCount: 10, priority: .normal))
  }

  @Test("Slow work is handed out first, one by one, where it has a place; others pass it otherwise")
  func slowWork() {
    var line = line { $0.delay = .seconds(10) }
    let group = Group(batch: 4)
    line.postpone(1, of: group, byteCount: 1, priority: .low, at: start)
    line.postpone(2, of: group, byteCount: 1, priority: .normal, at: start)
    line.putBack(3, of: group, byteCount: 1, priority: .normal, at: start)
    #expect(line.count == 3 && line.readyCount == 1)
    // Items of low priority wait for all others.
    #expect(line.taken(at: start) == [2])
    #expect(line.taken(at: start, takesSlow: false) == [3])
    #expect(line.taken(at: start, takesSlow: false) == nil)
    #expect(line.taken(at: start) == [1])
    #expect(line.count == 0 && !line.isFull(byteCount: 100, priority: .normal))
  }

  @Test("Slow work gives way to what comes, after what is of low priority, newest first")
  func slowWorkGivesWay() {
    var line = line(count: 3, bytes: 30)
    for item in 1...2 {
      line.postpone(item, of: Group(), byteCount: 10, priority: .normal, at: start)
    }
    #expect(line.isFull(byteCount: 1, priority: .low))
    #expect(!line.isFull(byteCount: 30, priority: .normal))
    #expect(line.add(3, bytes: 10, at: start) == [])
    #expect(line.add(4, bytes: 10, at: start) == [2])
    #expect(line.remove { $0 == 1 } == [1])
    #expect(line.add(5, bytes: 10, at: start) == [])
    #expect(line.add(6, bytes: 1, at: start) == nil)
  }

  @Test("What nobody waits for is taken out, wherever it stands, and makes room")
  func removing() {
    var line = line(count: 12, bytes: 120)
    for item in 1...4 { #expect(line.add(item, bytes: 10, at: start) == []) }
    for item in 5...6 { #expect(line.add(item, .low, bytes: 10, at: start) == []) }
    let removed = line.remove { !$0.isMultiple(of: 2) }
    #expect(removed == [1, 3, 5])
    #expect(line.count == 3)
    #expect(line.add(7, bytes: 50, at: start) == [])
    #expect(line.isFull(byteCount: 51, priority: .normal))
    #expect(!line.isFull(byteCount: 50, priority: .normal))
    var taken: [Int] = []
    while let items = line.taken(at: start) { taken += items }
    #expect(taken == [2, 4, 7, 6])
    #expect(!line.isFull(byteCount: 120, priority: .normal))
  }

  @Test("Low priority waits for all others and fills half of the room")
  func lowPriority() {
    var line = line(count: 4, bytes: 100)
    #expect(line.add(1, .low, of: Group(batch: 8), at: start) == [])
    #expect(line.add(2, .low, of: Group(batch: 8), bytes: 50, at: start) == nil)
    #expect(line.add(2, of: Group(batch: 8), at: start) == [])
    #expect(line.add(3, .low, of: Group(batch: 8), at: start) == nil)
    #expect(line.add(3, of: Group(batch: 8), at: start) == [])
    #expect(line.taken(at: start) == [2, 3])
    #expect(line.taken(at: start) == [1])
  }

  @Test("A full line pushes out the newest of low priority, and only where that makes room")
  func pushingOut() {
    var line = line(count: 6, bytes: 100)
    for item in 1...3 {
      #expect(line.add(item, .low, of: Group(batch: 8), bytes: 10, at: start) == [])
    }
    for item in 4...6 { #expect(line.add(item, of: Group(batch: 8), bytes: 10, at: start) == []) }
    #expect(line.add(7, of: Group(batch: 8), bytes: 10, at: start) == [3])
    #expect(line.add(8, of: Group(batch: 8), bytes: 60, at: start) == [2, 1])
    #expect(line.add(9, of: Group(batch: 8), bytes: 1, at: start) == nil)
    #expect(line.taken(at: start) == [4, 5, 6, 7, 8])
    #expect(line.taken(at: start) == nil)
    for item in 1...2 {
      #expect(line.add(item, .low, of: Group(batch: 8), bytes: 10, at: start) == [])
    }
    #expect(line.add(3, of: Group(batch: 8), bytes: 101, at: start) == nil)
    #expect(line.count == 2)
  }

  @Test("A delay counts from the oldest arrival and ends with a full batch or the closing")
  func delay() throws {
    let group = Group(batch: 3)
    var line = line {
      $0.workers = 2
      $0.delay = .milliseconds(5)
    }
    #expect(line.due(at: start) == nil)
    #expect(line.add(1, of: group, at: start) == [])
    #expect(line.add(2, of: group, at: start + .milliseconds(4)) == [])
    #expect(line.due(at: start + .milliseconds(4)) == start + .milliseconds(5))
    #expect(line.taken(at: start + .milliseconds(5)) == [1, 2])
    for item in 3...6 { #expect(line.add(item, of: group, at: start) == []) }
    #expect(line.taken(at: start) == [3, 4, 5])
    #expect(line.taken(at: start) == nil)
    #expect(line.taken(at: start, isClosing: true) == [6])
  }

  @Test("What is taken at once is of the oldest item's group and fits its batch")
  func groups() {
    let (old, new) = (Group(id: 1, batch: 3), Group(id: 2, batch: 2))
    var line = line(count: 20)
    for item in [1, 2, 4, 6, 7] { #expect(line.add(item, of: old, at: start) == []) }
    for item in [3, 5, 8] { #expect(line.add(item, of: new, at: start) == []) }
    #expect(line.add(9, .low, of: old, at: start) == [])
    var taken: [[Int]] = []
    while let items = line.taken(at: start) { taken.append(items) }
    #expect(taken == [[1, 2, 4], [6, 7], [3, 5], [8], [9]])
  }

  @Test("Groups whose items came by turns are handed out apart, each in its order")
  func interleavedGroups() {
    let groups = [Group(id: 1, batch: 3), Group(id: 2, batch: 2)]
    var line = line(count: 10, bytes: 1000)
    for item in 0..<8 { #expect(line.add(item, of: groups[item % 2], bytes: 10, at: start) == []) }
    #expect(line.taken(at: start) == [0, 2, 4])
    #expect(line.count == 5)
    #expect(line.add(8, .low, of: groups[0], bytes: 10, at: start) == nil)
    #expect(line.taken(at: start) == [1, 3])
    #expect(line.add(8, .low, of: groups[0], bytes: 10, at: start) == [])
    #expect(line.taken(at: start) == [5, 7])
    #expect(line.add(9, of: groups[1], bytes: 985, at: start) == [8])
    #expect(line.taken(at: start) == [6])
    #expect(line.taken(at: start) == [9])
    #expect(line.taken(at: start) == nil)
    #expect(line.count == 0)
    #expect(line.add(10, bytes: 1000, at: start) == [])
  }

  @Test("A delay ends for a group when another waits behind it")
  func delayedGroups() {
    let (old, new) = (Group(id: 1, batch: 2), Group(id: 2, batch: 2))
    var line = line { $0.delay = .milliseconds(5) }
    #expect(line.add(1, of: old, at: start) == [])
    #expect(line.due(at: start) == start + .milliseconds(5))
    #expect(line.add(2, of: new, at: start) == [])
    #expect(line.add(3, of: new, at: start) == [])
    #expect(line.taken(at: start) == [1])
    #expect(line.taken(at: start) == [2, 3])
  }

  @Test("A long line keeps its order while it is filled and emptied")
  func order() {
    var line = line(count: 1000, bytes: 1000)
    var next = 0
    var expected = 0
    for round in 0..<2000 {
      if round % 3 != 2 || line.count == 0 {
        if line.add(next, at: start) != nil { next += 1 }
      } else {
        #expect(line.taken(at: start) == [expected])
        expected += 1
      }
    }
    while let items = line.taken(at: start) {
      #expect(items == [expected])
      expected += 1
    }
    #expect(expected == next)
  }
}

extension WaitingLine<Int> {
  /// Returns the items pushed out; nil if the new one was refused.
  fileprivate mutating func add(
    _ item: Int, _ priority: Priority = .normal, of group: WorkGroup = WorkGroup(), bytes: Int = 1,
    at now: Instant
  ) -> [Int]? {
    guard
      case .taken(let pushedOut) = offer(
        item, of: group, byteCount: bytes, priority: priority, at: now)
    else { return nil }
    return pushedOut
  }

  fileprivate mutating func taken(
    at now: Instant, isClosing: Bool = false, takesSlow: Bool = true
  ) -> [Int]? {
    let next = next(at: now, isClosing: isClosing, takesSlow: takesSlow)
    guard case .take(let items) = next else { return nil }
    return items
  }

  fileprivate mutating func due(at now: Instant) -> Instant? {
    guard case .wait(let due) = next(at: now) else { return nil }
    return due
  }
}
