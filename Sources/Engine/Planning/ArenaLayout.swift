/// Places buffers in one block of memory by their lifetimes.
///
/// The largest comes first, each at the lowest free offset (greedy by size, Pisarchyk and Lee
/// 2020). What is taken is kept by time, in a tree, so that many thousand buffers take little time.
package struct ArenaLayout {
  /// Alignment of every buffer: a cache line, which is also the widest vector register.
  package static let alignment = AlignedMemory.alignment

  package struct Buffer {
    package var byteCount: Int
    /// First step that writes it to the last that reads it.
    package var lifetime: ClosedRange<Int>

    package init(byteCount: Int, lifetime: ClosedRange<Int>) {
      self.byteCount = byteCount
      self.lifetime = lifetime
    }
  }

  package private(set) var offsets: [Int]
  package private(set) var byteCount = 0
  /// Ranges of memory that were asked for while places were sought.
  package private(set) var lookupCount = 0

  package init(_ buffers: [Buffer]) {
    offsets = [Int](repeating: 0, count: buffers.count)
    var taken = TakenMemory(buffers.map(\.lifetime))
    for index in buffers.indices.sorted(by: { buffers[$0].byteCount > buffers[$1].byteCount })
    where buffers[index].byteCount > 0 {
      let size = Self.aligned(buffers[index].byteCount)
      let offset = taken.take(size, during: buffers[index].lifetime)
      offsets[index] = offset
      byteCount = max(byteCount, offset + size)
    }
    lookupCount = taken.lookupCount
  }

  private static func aligned(_ byteCount: Int) -> Int {
    (byteCount + AlignedMemory.alignment - 1) / AlignedMemory.alignment * AlignedMemory.alignment
  }
}

/// Memory that is taken at each time.
///
///     node 1           all times            a lifetime is the union of some nodes, at most two of
///     nodes 2, 3       halves               a level; what overlaps it was taken during one of
///     nodes 4 to 7     quarters             these, of the nodes below them, or of those above
///     …
private struct TakenMemory {
  /// First and last times of lifetimes, in order: the leaves.
  private let times: [Int]
  private let leafCount: Int
  /// Memory of lifetimes that a node is one of the parts of.
  private var own: [MemoryRanges]
  /// The same and that of all nodes below.
  private var all: [MemoryRanges]
  private(set) var lookupCount = 0

  init(_ lifetimes: [ClosedRange<Int>]) {
    times = Set(lifetimes.flatMap { [$0.lowerBound, $0.upperBound] }).sorted()
    var count = 1
    while count < times.count { count *= 2 }
    leafCount = count
    own = Array(repeating: MemoryRanges(), count: 2 * count)
    all = own
  }

  /// Takes memory at the lowest offset that is free during the whole lifetime.
  mutating func take(_ byteCount: Int, during lifetime: ClosedRange<Int>) -> Int {
    let parts = parts(of: lifetime)
    let above = nodes(above: parts)
    var offset = 0
    var hasMoved = true
    while hasMoved {
      hasMoved = false
      func pass(_ end: Int?) {
        lookupCount += 1
        guard let end else { return }
        (offset, hasMoved) = (end, true)
      }
      for node in parts { pass(all[node].end(after: offset, byteCount)) }
      for node in above { pass(own[node].end(after: offset, byteCount)) }
    }
    let range = offset..<offset + byteCount
    for node in parts {
      own[node].insert(range)
      all[node].insert(range)
    }
    for node in above { all[node].insert(range) }
    return offset
  }

  private func index(of time: Int) -> Int { times.firstPlace { $0 >= time } }

  private func parts(of lifetime: ClosedRange<Int>) -> [Int] {
    var (first, end) = (
      index(of: lifetime.lowerBound) + leafCount, index(of: lifetime.upperBound) + leafCount + 1
    )
    var parts: [Int] = []
    while first < end {
      if !first.isMultiple(of: 2) {
        parts.append(first)
        first += 1
      }
      if !end.isMultiple(of: 2) {
        end -= 1
        parts.append(end)
      }
      (first, end) = (first / 2, end / 2)
    }
    return parts
  }

  private func nodes(above parts: [Int]) -> Set<Int> {
    var nodes: Set<Int> = []
    for part in parts {
      var node = part / 2
      while node > 0, nodes.insert(node).inserted { node /= 2 }
    }
    return nodes
  }
}

/// Ranges in order that neither overlap nor touch.
private struct MemoryRanges {
  private var ranges: [Range<Int>] = []

  /// Returns the end of a range that is in the way of `byteCount` bytes at an offset.
  func end(after offset: Int, _ byteCount: Int) -> Int? {
    let place = ranges.firstPlace { $0.upperBound > offset }
    guard place < ranges.count, ranges[place].lowerBound < offset + byteCount else { return nil }
    return ranges[place].upperBound
  }

  mutating func insert(_ range: Range<Int>) {
    let first = ranges.firstPlace { $0.upperBound >= range.lowerBound }
    let end = ranges.firstPlace { $0.lowerBound > range.upperBound }
    var merged = range
    if first < end {
      merged =
        min(
          range.lowerBound, ranges[first].lowerBound)..<max(
          range.upperBound, ranges[end - 1].upperBound)
    }
    ranges.replaceSubrange(first..<end, with: CollectionOfOne(merged))
  }
}

extension Array {
  /// Returns the first place whose element, and each after it, satisfies a condition.
  fileprivate func firstPlace(_ condition: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if condition(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
