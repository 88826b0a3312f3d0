package import Checkpoint

/// What is live, since when and by whom.
package struct LiveRecord: Sendable, Hashable {
  package let version: ModelVersion
  /// What was live before and is kept still.
  package let previous: ModelVersion?
  package let since: WallTime
  package let by: String
}
