package import Checkpoint

/// Progress in following a remote store, so that a restart does not undo an administrator's later
/// choice.
extension ModelStore {
  /// Returns the version that `source` named when it was last acted on, or nil if it is unknown or
  /// its record damaged.
  ///
  /// Reads the disk, because it is needed only once.
  package func followed(_ source: String) -> ModelVersion? {
    guard let document = try? disk.followed(), document.source == source else { return nil }
    return ModelVersion(digits: document.version)
  }

  /// Records the version, replacing that of this or another source.
  package func recordFollowed(_ version: ModelVersion, of source: String) throws(StoreError) {
    try changing { () throws(StoreError) in
      try disk.write(followed: FollowedDocument(source: source, version: version))
    }
  }
}
