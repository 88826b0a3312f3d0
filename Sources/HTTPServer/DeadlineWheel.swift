/// Deadlines in steps of time: adding one and finding those that are due cost the same, however
/// many there are.
///
/// An entry is not moved when its deadline is put off, as each request does. It is taken out when
/// its step comes, and added again.
package struct DeadlineWheel<Key: Sendable>: Sendable {
  /// Time by which an entry may be late, in addition to the lateness of the caller's timer.
  package static var step: Duration { .milliseconds(50) }

  private let origin: ContinuousClock.Instant
  private var entries: [Int: [Key]] = [:]
  /// First step that has not been taken.
  private var next = 0

  package init(now: ContinuousClock.Instant) { origin = now }

  /// Number of entries that are kept, for tests.
  package var count: Int { entries.values.reduce(0) { $0 + $1.count } }

  package mutating func add(_ key: Key, due instant: ContinuousClock.Instant) {
    let elapsed = instant - origin
    let whole = Int(elapsed / Self.step)
    entries[max(next, Self.step * whole < elapsed ? whole + 1 : whole), default: []].append(key)
  }

  /// Takes the entries whose deadlines have passed.
  package mutating func due(at now: ContinuousClock.Instant) -> [Key] {
    let current = Int((now - origin) / Self.step)
    guard current >= next else { return [] }
    defer { next = current + 1 }
    guard current - next < entries.count else {
      // A long pause has more steps than there are entries.
      let steps = entries.keys.filter { $0 <= current }.sorted()
      return steps.flatMap { entries.removeValue(forKey: $0) ?? [] }
    }
    return (next...current).flatMap { entries.removeValue(forKey: $0) ?? [] }
  }

  package mutating func removeAll() { entries = [:] }
}
