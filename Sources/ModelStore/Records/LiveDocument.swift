import Checkpoint

/// The live version in `live.json`, or the one before the last change in `live.before.json`.
struct LiveDocument: StoreRecord {
  var format = Self.currentFormat
  /// All 64 digits.
  var version: String
  var previous: String?
  /// Milliseconds since 1970.
  var since: Int
  var by: String
  /// Whether it was chosen since the start, or named to win; a missing value means yes.
  var chosen: Bool?

  private enum CodingKeys: String, CodingKey {
    case format = "format_version"
    case version, previous, by, chosen
    case since = "since_ms"
  }

  init(_ record: LiveRecord) {
    version = record.version.hex
    previous = record.previous?.hex
    since = record.since.millisecondsSince1970
    by = record.by
    chosen = record.isChosen ? nil : false
  }

  var isValid: Bool {
    WallTime.validRange ~= since && ModelVersion(digits: version) != nil
      && previous.map { ModelVersion(digits: $0) != nil } ?? true
  }
}
