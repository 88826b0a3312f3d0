import Glibc

/// Connections in the order in which they began to wait; one that has stopped waiting is passed
/// over when its turn comes.
struct WaitingOrder {
  private var entries: [(descriptor: CInt, number: Int)] = []
  private var first = 0
  private var lastNumber = 0

  /// Adds an entry; the number by which the caller knows whether it still holds.
  mutating func add(_ descriptor: CInt) -> Int {
    lastNumber += 1
    entries.append((descriptor, lastNumber))
    return lastNumber
  }

  /// Takes out the longest waiting connection for which `holds` is true.
  mutating func takeFirst(where holds: (CInt, Int) -> Bool) -> CInt? {
    while first < entries.count {
      let entry = entries[first]
      first += 1
      if holds(entry.descriptor, entry.number) { return entry.descriptor }
    }
    return nil
  }

  /// Finds the longest waiting connection for which `holds` is true, and keeps it.
  mutating func first(where holds: (CInt, Int) -> Bool) -> CInt? {
    while first < entries.count {
      let entry = entries[first]
      if holds(entry.descriptor, entry.number) { return entry.descriptor }
      first += 1
    }
    return nil
  }

  /// Whether most entries cannot hold any more, where so many connections could wait: only then is
  /// `compact` worth its cost.
  func isMostlyStale(for count: Int) -> Bool { entries.count > 2 * count + 64 }

  /// Drops entries that no longer hold.
  mutating func compact(where holds: (CInt, Int) -> Bool) {
    entries = entries[first...].filter { holds($0.descriptor, $0.number) }
    first = 0
  }
}
