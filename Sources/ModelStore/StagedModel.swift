package import Checkpoint

/// A whole upload on disk, not one of the store's versions yet; it counts as an upload until `keep` or `discard`.
package struct StagedModel: Sendable, Hashable {
  /// The digest of the bytes as they came.
  package let version: ModelVersion
  package let byteCount: Int
  /// Where the file is until `keep` or `discard`.
  package let path: String
  /// Its name in the folder of what comes in.
  let fileName: String
}
