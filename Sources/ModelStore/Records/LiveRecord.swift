package import Checkpoint

/// The live version, and when and by whom it was made live.
package struct LiveRecord: Sendable, Hashable {
  package let version: ModelVersion
  /// Version that was live before, if it is still kept.
  package let previous: ModelVersion?
  package let since: WallTime
  package let by: String
  /// Whether somebody chose it; else a server's options named it, and those of the next start may
  /// name another.
  package let isChosen: Bool
}

/// Faults of the live model's record; all nil if nothing is wrong.
package struct LiveStanding: Sendable, Hashable {
  /// Reason why the live version is not the one last recorded, or the evidence that it was.
  package var recovery: String?
  /// Reason why nothing is live although something was, or may have been.
  package var loss: String?
  /// Reason why the live version could not be recorded, so that a restart will not know of it.
  package var recordFault: String?

  package init() {}
}
