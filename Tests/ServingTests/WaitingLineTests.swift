import Serving
import Testing

@Suite struct WaitingLineTests {
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
    var line = line {
      $0.batch = 4
      $0.workers = 2
    }
    for item in 1...10 { #expect(line.add(item, at: start) == []) }
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

  @Test("Low priority waits for all others and fills half of the room")
  func lowPriority() {
    var line = line(count: 4, bytes: 100) { $0.batch = 8 }
    #expect(line.add(1, .low, at: start) == [])
    #expect(line.add(2, .low, bytes: 50, at: start) == nil)
    #expect(line.add(2, at: start) == [])
    #expect(line.add(3, .low, at: start) == nil)
    #expect(line.add(3, at: start) == [])
    #expect(line.taken(at: start) == [2, 3])
    #expect(line.taken(at: start) == [1])
  }

  @Test("A full line pushes out the newest of low priority, and only where that makes room")
  func pushingOut() {
    var line = line(count: 6, bytes: 100) { $0.batch = 8 }
    for item in 1...3 { #expect(line.add(item, .low, bytes: 10, at: start) == []) }
    for item in 4...6 { #expect(line.add(item, bytes: 10, at: start) == []) }
    #expect(line.add(7, bytes: 10, at: start) == [3])
    #expect(line.add(8, bytes: 60, at: start) == [2, 1])
    #expect(line.add(9, bytes: 1, at: start) == nil)
    #expect(line.taken(at: start) == [4, 5, 6, 7, 8])
    #expect(line.taken(at: start) == nil)
    for item in 1...2 { #expect(line.add(item, .low, bytes: 10, at: start) == []) }
    #expect(line.add(3, bytes: 101, at: start) == nil)
    #expect(line.count == 2)
  }

  @Test("A delay counts from the oldest arrival and ends with a full batch or the closing")
  func delay() throws {
    var line = line {
      $0.batch = 3
      $0.workers = 2
      $0.delay = .milliseconds(5)
    }
    #expect(line.due(at: start) == nil)
    #expect(line.add(1, at: start) == [])
    #expect(line.add(2, at: start + .milliseconds(4)) == [])
    #expect(line.due(at: start + .milliseconds(4)) == start + .milliseconds(5))
    #expect(line.taken(at: start + .milliseconds(5)) == [1, 2])
    for item in 3...6 { #expect(line.add(item, at: start) == []) }
    #expect(line.taken(at: start) == [3, 4, 5])
    #expect(line.taken(at: start) == nil)
    #expect(line.taken(at: start, isClosing: true) == [6])
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
  /// What was pushed out; nil where it was refused.
  fileprivate mutating func add(
    _ item: Int, _ priority: Priority = .normal, bytes: Int = 1, at now: Instant
  ) -> [Int]? {
    guard case .taken(let pushedOut) = offer(item, byteCount: bytes, priority: priority, at: now)
    else { return nil }
    return pushedOut
  }

  fileprivate mutating func taken(at now: Instant, isClosing: Bool = false) -> [Int]? {
    guard case .take(let items) = next(at: now, isClosing: isClosing) else { return nil }
    return items
  }

  fileprivate mutating func due(at now: Instant) -> Instant? {
    guard case .wait(let due) = next(at: now) else { return nil }
    return due
  }
}
