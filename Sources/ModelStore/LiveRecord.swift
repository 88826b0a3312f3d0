package import Checkpoint

/// What is live, since when and by whom.
package struct LiveRecord: Sendable, Hashable {
  package let version: ModelVersion
  /// What was live before and is kept still.
  package let previous: ModelVersion?
  package let since: WallTime
  package let by: String
  /// Whether somebody chose it; else a server's options named it, and those of the next start may name another.
  package let isChosen: Bool
}
