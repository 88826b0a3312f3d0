import Checkpoint

/// The version that a remote store named when it was last acted on: `followed.json`.
struct FollowedDocument: StoreRecord {
  var format = Self.currentFormat
  /// Remote store, as `RemoteSource` describes it.
  var source: String
  /// All 64 digits.
  var version: String

  private enum CodingKeys: String, CodingKey {
    case format = "format_version"
    case source, version
  }

  init(source: String, version: ModelVersion) {
    self.source = source
    self.version = version.hex
  }

  var isValid: Bool { ModelVersion(digits: version) != nil }
}
