import Checkpoint
import FoundationEssentials

/// One of the store's small JSON files.
///
/// Unknown keys are ignored, so that a later program may say more; an unknown format is refused.
protocol StoreRecord: Codable {
  var format: Int { get }
  /// Whether the values are such as this store writes.
  var isValid: Bool { get }
}

extension StoreRecord {
  static var currentFormat: Int { 1 }

  /// Keys in order, on one line.
  var json: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else {
      preconditionFailure("numbers and texts are encodable")
    }
    return Array(data) + [UInt8(ascii: "\n")]
  }

  /// Parses a record read from `path`.
  init(json: [UInt8], path: String) throws(StoreError) {
    let record: Self
    do {
      record = try JSONDecoder().decode(Self.self, from: Data(json))
    } catch {
      throw .malformedRecord(path: path, reason: "torn or changed by hand")
    }
    guard record.format == Self.currentFormat else {
      throw .malformedRecord(
        path: path, reason: "format \(record.format), this program reads \(Self.currentFormat)")
    }
    guard record.isValid else {
      throw .malformedRecord(path: path, reason: "a value is out of range")
    }
    self = record
  }
}

/// What is known of a version beside its bytes: `versions/<digits>.json`.
struct VersionRecord: StoreRecord {
  var format = Self.currentFormat
  var name: String
  var by: String
  /// Milliseconds since 1970.
  var storedAt: Int
  var byteCount: Int

  private enum CodingKeys: String, CodingKey {
    case format = "format_version"
    case name, by
    case storedAt = "stored_at_ms"
    case byteCount = "bytes"
  }

  var isValid: Bool { WallTime.validRange ~= storedAt && byteCount > 0 }
}

/// What is live: `live.json`, and what was before the last change: `live.before.json`.
struct LiveDocument: StoreRecord {
  var format = Self.currentFormat
  /// All digits.
  var version: String
  var previous: String?
  /// Milliseconds since 1970.
  var since: Int
  var by: String

  private enum CodingKeys: String, CodingKey {
    case format = "format_version"
    case version, previous, by
    case since = "since_ms"
  }

  init(_ record: LiveRecord) {
    version = record.version.hex
    previous = record.previous?.hex
    since = record.since.millisecondsSince1970
    by = record.by
  }

  var isValid: Bool {
    WallTime.validRange ~= since && ModelVersion(digits: version) != nil
      && previous.map { ModelVersion(digits: $0) != nil } ?? true
  }
}
