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

/// What of the live model's record is not as it should be; all nil where nothing is wrong.
package struct LiveStanding: Sendable, Hashable {
  /// Why another version than the one recorded last is live, or what tells that this one was.
  package var recovery: String?
  /// Why nothing is live although something was, or may have been.
  package var loss: String?
  /// Why what is live could not be recorded, so that a restart will not know of it.
  package var recordFault: String?

  package init() {}
}
