package import Checkpoint

/// What a remote store that is followed has led to: so that a restart does not undo what an administrator chose since.
extension ModelStore {
  /// The version that `source` named when it was acted on last; nil where that is not known, or the record is damaged.
  ///
  /// Read from the disk, for it is wanted once.
  package func followed(_ source: String) -> ModelVersion? {
    guard let document = try? disk.followed(), document.source == source else { return nil }
    return ModelVersion(digits: document.version)
  }

  /// Remembers it in the place of what was remembered of this or another source.
  package func recordFollowed(_ version: ModelVersion, of source: String) throws(StoreError) {
    try changing { () throws(StoreError) in
      try disk.write(followed: FollowedDocument(source: source, version: version))
    }
  }
}
