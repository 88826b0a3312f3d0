import Checkpoint
import FoundationEssentials
import JSON

/// One of the store's small JSON files.
///
/// Unknown keys are ignored, so that a later program may write more; an unknown format is rejected.
protocol StoreRecord: Codable {
  var format: Int { get }
  /// Whether the values are such as this store writes.
  var isValid: Bool { get }
}

extension StoreRecord {
  static var currentFormat: Int { 1 }

  /// JSON on one line, with sorted keys.
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
    do {
      // Of two members with the same name, Foundation's decoder takes one without a word.
      _ = try unsafe JSONTree(json.span.bytes, allowsNUL: true)
    } catch {
      throw .malformedRecord(path: path, reason: "\(error.reason), byte \(error.offset)")
    }
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
