/// Work in order of arrival, and who may take how much of it when. A value without locks or clocks.
///
/// Two lanes: what is of low priority is handed out when nothing else waits, may fill half of the room, and is
/// pushed out, newest first, by other work that finds no room.
package struct WaitingLine<Item> {
  package typealias Instant = ContinuousClock.Instant

  package struct Limits: Sendable {
    package var count: Int
    /// Bytes of all items together.
    package var bytes: Int
    /// Items handed out at once.
    package var batch = 1
    package var workers = 1
    /// How long after its arrival an item may be held back for a fuller batch.
    package var delay = Duration.zero

    package init(count: Int, bytes: Int) {
      self.count = count
      self.bytes = bytes
    }
  }

  /// What became of an offer.
  package enum Admission {
    /// With what it pushed out, newest first.
    case taken(pushedOut: [Item])
    case refused
  }

  /// What a free worker is to do.
  package enum Next {
    case take([Item])
    /// At the latest until then; nil for whenever something arrives.
    case wait(until: Instant?)
  }

  private struct Entry {
    var item: Item
    var byteCount: Int
    var arrivedAt: Instant
  }

  private let limits: Limits
  private var normal = Lane<Entry>()
  private var low = Lane<Entry>()
  private var byteCount = 0
  private var lowByteCount = 0

  package init(_ limits: Limits) {
    precondition(limits.batch > 0 && limits.workers > 0, "somebody takes something")
    self.limits = limits
  }

  package var count: Int { normal.count + low.count }

  package mutating func offer(
    _ item: Item, byteCount added: Int, priority: Priority, at now: Instant
  ) -> Admission {
    let entry = Entry(item: item, byteCount: added, arrivedAt: now)
    switch priority {
    case .low:
      guard count < max(1, limits.count / 2), byteCount + added <= limits.bytes / 2 else {
        return .refused
      }
      low.append(entry)
      lowByteCount += added
      byteCount += added
      return .taken(pushedOut: [])
    case .normal:
      guard normal.count < limits.count, byteCount - lowByteCount + added <= limits.bytes else {
        return .refused
      }
      var pushedOut: [Item] = []
      while count >= limits.count || byteCount + added > limits.bytes, let last = low.popLast() {
        lowByteCount -= last.byteCount
        byteCount -= last.byteCount
        pushedOut.append(last.item)
      }
      normal.append(entry)
      byteCount += added
      return .taken(pushedOut: pushedOut)
    }
  }

  /// What to do for a worker that is free; `isClosing` holds nothing back.
  ///
  /// Without a delay each worker takes its share only, so that no core idles while another has a full batch.
  package mutating func next(at now: Instant, isClosing: Bool = false) -> Next {
    guard let first = normal.first ?? low.first else { return .wait(until: nil) }
    let waiting = normal.isEmpty ? low.count : normal.count
    var share = (waiting + limits.workers - 1) / limits.workers
    if limits.delay > .zero {
      let due = first.arrivedAt + limits.delay
      if waiting < limits.batch, now < due, !isClosing { return .wait(until: due) }
      share = waiting
    }
    return .take((0..<min(share, limits.batch)).map { _ in removeFirst() })
  }

  private mutating func removeFirst() -> Item {
    guard let entry = normal.popFirst() ?? popFirstLow() else {
      preconditionFailure("no more is taken than waits")
    }
    byteCount -= entry.byteCount
    return entry.item
  }

  private mutating func popFirstLow() -> Entry? {
    let entry = low.popFirst()
    lowByteCount -= entry?.byteCount ?? 0
    return entry
  }

  /// A queue whose both ends are cheap to take from.
  private struct Lane<Element> {
    /// Room at the front that is reclaimed when it is at least as much and half of all.
    private static var slack: Int { 64 }

    /// Nil where something has been taken.
    private var elements: [Element?] = []
    private var start = 0

    var count: Int { elements.count - start }
    var isEmpty: Bool { count == 0 }
    var first: Element? { isEmpty ? nil : elements[start] }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
      guard !isEmpty else { return nil }
      let element = elements[start]
      elements[start] = nil
      start += 1
      if start == elements.count || start >= max(Self.slack, elements.count / 2) {
        elements.removeFirst(start)
        start = 0
      }
      return element
    }

    mutating func popLast() -> Element? { isEmpty ? nil : elements.removeLast() }
  }
}
