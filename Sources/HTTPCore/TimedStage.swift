/// Time that a request has spent on one stage, perhaps in several turns.
package struct TimedStage: Sendable, Hashable {
  package let name: String
  /// Beginning of the first turn.
  package let start: ContinuousClock.Instant
  /// End of the last turn.
  package private(set) var end: ContinuousClock.Instant
  /// Sum of the turns.
  package private(set) var busy: Duration

  package init(
    _ name: String, from start: ContinuousClock.Instant, to end: ContinuousClock.Instant
  ) {
    (self.name, self.start, self.end, busy) = (name, start, end, end - start)
  }

  /// Adds a later turn.
  package mutating func add(
    from start: ContinuousClock.Instant, to end: ContinuousClock.Instant
  ) {
    self.end = end
    busy += end - start
  }

  /// Takes time out of the turns that was spent on something else.
  package mutating func subtract(_ time: Duration) { busy = max(.zero, busy - time) }
}
