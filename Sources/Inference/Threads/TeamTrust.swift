/// Whether a lone image should run on the team now.
///
/// A team waits at each step for its slowest thread. Where another program takes one of its cores it is many times
/// slower than one thread alone, which then is the better choice until the team proves itself again.
package struct TeamTrust: Sendable {
  /// Lone images that pass the team by after it has disappointed again and again.
  package static let passLimit = 64
  /// Weight of the newest image in the running mean.
  private static let weight = 0.25

  /// Of one image on one thread.
  private var alone: Duration
  private var passes = 0
  private var passesLeft = 0

  /// With the time of one image on one thread.
  package init(alone: Duration) { self.alone = alone }

  /// What an image may take on the team before it is rather begun again on one thread.
  ///
  /// Asked before each step, so that an image takes no longer on the team than this and the step in progress.
  package var patience: Duration { alone * 2 }

  /// Asked for each lone image.
  package mutating func prefersTeam() -> Bool {
    guard passesLeft > 0 else { return true }
    passesLeft -= 1
    return false
  }

  package mutating func record(alone time: Duration) { alone += (time - alone) * Self.weight }

  /// An image's time on the team; each disappointment in a row doubles the images that pass it by.
  package mutating func record(onTeam time: Duration) {
    passes = time > alone ? min(max(1, passes * 2), Self.passLimit) : 0
    passesLeft = passes
  }
}
