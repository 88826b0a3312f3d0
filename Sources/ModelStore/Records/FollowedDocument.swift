import Checkpoint

/// What a remote store named when it was acted on last: `followed.json`.
struct FollowedDocument: StoreRecord {
  var format = Self.currentFormat
  /// The remote store, as `RemoteSource` shows it.
  var source: String
  /// All digits.
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
