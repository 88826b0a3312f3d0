/// Trust in the team, which decides whether a lone image runs on it now.
///
/// A team waits at each step for its slowest thread. If another program takes one of its cores, it
/// is many times slower than one thread alone, which is then the better choice until the team
/// proves itself again.
package struct TeamTrust: Sendable {
  /// Limit on lone images that skip the team after it has disappointed again and again.
  package static let passLimit = 64
  /// Weight of the newest image in the running mean.
  private static let weight = 0.25

  /// Time of one image on one thread.
  private var alone: Duration
  private var passes = 0
  private var passesLeft = 0

  /// Begins with the time of one image on one thread.
  package init(alone: Duration) { self.alone = alone }

  /// Time that an image may take on the team before it is restarted on one thread.
  ///
  /// Asked for before each step, so that an image takes no longer on the team than this and the
  /// step in progress.
  package var patience: Duration { alone * 2 }

  /// Returns whether to use the team; called for each lone image.
  package mutating func prefersTeam() -> Bool {
    guard passesLeft > 0 else { return true }
    passesLeft -= 1
    return false
  }

  package mutating func record(alone time: Duration) { alone += (time - alone) * Self.weight }

  /// Records an image's time on the team; each disappointment in a row doubles the images that skip
  /// it.
  package mutating func record(onTeam time: Duration) {
    passes = time > alone ? min(max(1, passes * 2), Self.passLimit) : 0
    passesLeft = passes
  }
}
