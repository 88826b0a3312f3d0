/// Items that may be handed out at once.
package struct WorkGroup: Sendable, Hashable {
  /// Tells groups apart among those in the line.
  package var id: Int
  /// Items of it that are handed out at once; 1 or more.
  package var batch: Int

  package init(id: Int = 0, batch: Int = 1) {
    precondition(batch > 0, "a batch must not be empty")
    self.id = id
    self.batch = batch
  }
}

/// Work in order of arrival, with the rules for who may take how much of it when. A value without
/// locks or clocks.
///
/// Items that are handed out together are of one group, that of the oldest item. There are three
/// lanes. Low-priority items are handed out when nothing else waits, may fill half of the room, and
/// are pushed out first, newest first, by other work that finds no room. Slow items are pushed out
/// next. They are handed out one by one and before the rest, but only if the caller has a place for
/// slow work.
package struct WaitingLine<Item> {
  package typealias Instant = ContinuousClock.Instant

  package struct Limits: Sendable {
    package var count: Int
    /// Bytes of all items together.
    package var bytes: Int
    package var workers = 1
    /// Time after its arrival that an item may be held back for a fuller batch.
    package var delay = Duration.zero

    package init(count: Int, bytes: Int) {
      self.count = count
      self.bytes = bytes
    }
  }

  /// Result of an offer.
  package enum Offer {
    /// Accepted, with the items that it pushed out, newest first.
    case taken(pushedOut: [Item])
    case refused
  }

  /// Order to a free worker.
  package enum Next {
    case take([Item])
    /// Wait until then at the latest, or nil for whenever something arrives.
    case wait(until: Instant?)
  }

  private struct Entry {
    var item: Item
    var group: WorkGroup
    var byteCount: Int
    var arrivedAt: Instant
    /// Whether a worker has begun it, so that it is not held back for a fuller batch.
    var isBegun = false
    /// Whether it is of low priority, which the lane of slow work does not tell.
    var isLow = false
  }

  private let limits: Limits
  private var normal = Lane<Entry>()
  private var low = Lane<Entry>()
  private var slow = Lane<Entry>()
  private var byteCount = 0
  /// Bytes of the lanes that give way.
  private var yieldingByteCount = 0

  package init(_ limits: Limits) {
    precondition(limits.workers > 0, "there must be a worker")
    self.limits = limits
  }

  package var count: Int { normal.count + low.count + slow.count }

  /// Number of items that only wait for a worker.
  package var readyCount: Int { normal.count + low.count }

  /// Returns whether an offer like this would be refused now.
  package func isFull(byteCount added: Int, priority: Priority) -> Bool {
    switch priority {
    case .low: count >= max(1, limits.count / 2) || byteCount + added > limits.bytes / 2
    case .normal:
      normal.count >= limits.count || byteCount - yieldingByteCount + added > limits.bytes
    }
  }

  package mutating func offer(
    _ item: Item, of group: WorkGroup, byteCount added: Int, priority: Priority, at now: Instant
  ) -> Offer {
    guard !isFull(byteCount: added, priority: priority) else { return .refused }
    let entry = Entry(item: item, group: group, byteCount: added, arrivedAt: now)
    switch priority {
    case .low:
      low.append(entry)
      yieldingByteCount += added
      byteCount += added
      return .taken(pushedOut: [])
    case .normal:
      var pushedOut: [Item] = []
      while count >= limits.count || byteCount + added > limits.bytes,
        let last = low.popLast() ?? slow.popLast()
      {
        yieldingByteCount -= last.byteCount
        byteCount -= last.byteCount
        pushedOut.append(last.item)
      }
      normal.append(entry)
      byteCount += added
      return .taken(pushedOut: pushedOut)
    }
  }

  /// Puts an item that was handed out at the end of its lane again, for its next turn. No limit
  /// refuses it.
  package mutating func putBack(
    _ item: Item, of group: WorkGroup, byteCount added: Int, priority: Priority, at now: Instant
  ) {
    let entry = Entry(
      item: item, group: group, byteCount: added, arrivedAt: now, isBegun: true)
    byteCount += added
    switch priority {
    case .low:
      low.append(entry)
      yieldingByteCount += added
    case .normal: normal.append(entry)
    }
  }

  /// Puts an item that was handed out into the lane of slow work. No limit refuses it.
  package mutating func postpone(
    _ item: Item, of group: WorkGroup, byteCount added: Int, priority: Priority, at now: Instant
  ) {
    slow.append(
      Entry(
        item: item, group: group, byteCount: added, arrivedAt: now, isBegun: true,
        isLow: priority == .low))
    byteCount += added
    yieldingByteCount += added
  }

  /// Moves items of low priority that are chosen to the end of those of normal priority, for one
  /// turn.
  package mutating func hasten(where isChosen: (Item) -> Bool) {
    for entry in low.remove(where: { isChosen($0.item) }) {
      yieldingByteCount -= entry.byteCount
      normal.append(entry)
    }
  }

  /// Removes the items that nobody waits for any more.
  package mutating func remove(where isUnwanted: (Item) -> Bool) -> [Item] {
    let normal = normal.remove { isUnwanted($0.item) }
    let yielding = low.remove { isUnwanted($0.item) } + slow.remove { isUnwanted($0.item) }
    for entry in normal + yielding { byteCount -= entry.byteCount }
    for entry in yielding { yieldingByteCount -= entry.byteCount }
    return (normal + yielding).map(\.item)
  }

  /// Returns the order to a free worker.
  ///
  /// `isClosing` holds nothing back. `takesSlow` tells that slow work has a place.
  ///
  /// Without a delay each worker takes only its share, so that no core idles while another has a
  /// full batch. With a delay, nothing is held back once other groups wait after it: its own group
  /// may get no more items.
  package mutating func next(
    at now: Instant, isClosing: Bool = false, takesSlow: Bool = true
  ) -> Next {
    let areOthersWaiting = readyCount > 0
    if takesSlow, let entry = slow.popFirst(1, where: { !$0.isLow || !areOthersWaiting }).first {
      byteCount -= entry.byteCount
      yieldingByteCount -= entry.byteCount
      return .take([entry.item])
    }
    guard let first = normal.first ?? low.first else { return .wait(until: nil) }
    let isLow = normal.isEmpty
    let lane = isLow ? low : normal
    var share = (lane.count + limits.workers - 1) / limits.workers
    if limits.delay > .zero {
      let due = first.arrivedAt + limits.delay
      let mayFill =
        lane.count < first.group.batch && lane.allSatisfy { $0.group == first.group && !$0.isBegun }
      if mayFill, now < due, !isClosing { return .wait(until: due) }
      share = lane.count
    }
    let count = min(share, first.group.batch)
    let taken =
      isLow
      ? low.popFirst(count) { $0.group == first.group }
      : normal.popFirst(count) { $0.group == first.group }
    for entry in taken {
      byteCount -= entry.byteCount
      if isLow { yieldingByteCount -= entry.byteCount }
    }
    return .take(taken.map(\.item))
  }

  /// A queue with both ends cheap to take from. Taking from its middle leaves a gap for a while.
  private struct Lane<Element> {
    /// Least room at the front that is reclaimed, once it is also half of all.
    private static var slack: Int { 64 }

    /// Elements, or nil if taken; the ones at `start` and at the end never are.
    private var elements: [Element?] = []
    private var start = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var first: Element? { isEmpty ? nil : elements[start] }

    func allSatisfy(_ isTrue: (Element) -> Bool) -> Bool {
      elements[start...].allSatisfy { $0.map(isTrue) ?? true }
    }

    mutating func append(_ element: Element) {
      elements.append(element)
      count += 1
    }

    /// Takes the first elements that are wanted, at most `limit`, in their order.
    mutating func popFirst(_ limit: Int, where isWanted: (Element) -> Bool) -> [Element] {
      var taken: [Element] = []
      for index in elements.indices[start...] {
        guard taken.count < limit else { break }
        guard let element = elements[index], isWanted(element) else { continue }
        elements[index] = nil
        taken.append(element)
      }
      count -= taken.count
      trim()
      return taken
    }

    mutating func remove(where isUnwanted: (Element) -> Bool) -> [Element] {
      var removed: [Element] = []
      for index in elements.indices[start...] {
        guard let element = elements[index], isUnwanted(element) else { continue }
        elements[index] = nil
        removed.append(element)
      }
      count -= removed.count
      trim()
      return removed
    }

    mutating func popLast() -> Element? {
      guard let element = elements.popLast() else { return nil }
      count -= 1
      trim()
      return element
    }

    private mutating func trim() {
      while elements.count > start, elements[elements.count - 1] == nil { elements.removeLast() }
      while start < elements.count, elements[start] == nil { start += 1 }
      if start == elements.count || start >= max(Self.slack, elements.count / 2) {
        elements.removeFirst(start)
        start = 0
      }
    }
  }
}

/// Priority of a request, which decides what gives way first.
package enum Priority: Sendable, Hashable {
  case normal
  /// Served when no other request waits, and the first to be refused.
  case low

  /// Reads the value of `X-Priority`: `low` is low, anything else is normal.
  package init(_ text: String?) { self = text?.lowercased() == "low" ? .low : .normal }
}
