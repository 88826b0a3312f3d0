import Checkpoint
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
    JSONValue(encoding: self).bytes + [UInt8(ascii: "\n")]
  }

  /// Parses a record read from `path`.
  init(json: [UInt8], path: String) throws(StoreError) {
    let tree: JSONTree
    do { tree = try unsafe JSONTree(json.span.bytes, allowsNUL: true) } catch {
      throw .malformedRecord(path: path, reason: "\(error.reason), byte \(error.offset)")
    }
    let record: Self
    do { record = try tree.decode(Self.self) } catch {
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
