import Glibc

/// Connections in the order in which they began to wait; one that has stopped waiting is passed over when its turn comes.
struct WaitingOrder {
  private var entries: [(descriptor: CInt, number: Int)] = []
  private var first = 0
  private var lastNumber = 0

  /// Returns a number by which the caller knows whether the entry still holds.
  mutating func add(_ descriptor: CInt) -> Int {
    lastNumber += 1
    entries.append((descriptor, lastNumber))
    return lastNumber
  }

  /// Takes the longest waiting one of which `holds` is true.
  mutating func takeFirst(where holds: (CInt, Int) -> Bool) -> CInt? {
    while first < entries.count {
      let entry = entries[first]
      first += 1
      if holds(entry.descriptor, entry.number) { return entry.descriptor }
    }
    return nil
  }

  /// The longest waiting one of which `holds` is true, which keeps its place.
  mutating func first(where holds: (CInt, Int) -> Bool) -> CInt? {
    while first < entries.count {
      let entry = entries[first]
      if holds(entry.descriptor, entry.number) { return entry.descriptor }
      first += 1
    }
    return nil
  }

  /// Whether most entries cannot hold any more, where so many connections could wait: only then `compact` pays.
  func isMostlyStale(for count: Int) -> Bool { entries.count > 2 * count + 64 }

  /// Drops entries that no longer hold.
  mutating func compact(where holds: (CInt, Int) -> Bool) {
    entries = entries[first...].filter { holds($0.descriptor, $0.number) }
    first = 0
  }
}
