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

  /// Drops entries that no longer hold once they are most of them, so that each addition costs the same on average.
  mutating func compact(for count: Int, where holds: (CInt, Int) -> Bool) {
    guard entries.count > 2 * count + 64 else { return }
    entries = entries[first...].filter { holds($0.descriptor, $0.number) }
    first = 0
  }
}
