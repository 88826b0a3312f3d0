/// Facts about a version apart from its bytes: `versions/<digits>.json`.
struct VersionRecord: StoreRecord {
  var format = Self.currentFormat
  var name: String
  var by: String
  /// Milliseconds since 1970.
  var storedAt: Int
  var byteCount: Int
  /// Last time it became live, in milliseconds since 1970; nil if it never was, or that is unknown.
  var lastLive: Int?

  private enum CodingKeys: String, CodingKey {
    case format = "format_version"
    case name, by
    case storedAt = "stored_at_ms"
    case byteCount = "bytes"
    case lastLive = "last_live_ms"
  }

  var isValid: Bool {
    WallTime.validRange ~= storedAt && byteCount > 0
      && lastLive.map { WallTime.validRange ~= $0 } ?? true
  }
}
