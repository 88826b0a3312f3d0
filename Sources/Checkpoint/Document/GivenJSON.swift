import JSON

/// JSON that somebody gives beside a model file: the text itself if it begins with `{`, or else the
/// path of a file with it.
struct GivenJSON {
  static let byteCountLimit = 64 << 10

  /// Where it comes from, for messages.
  let source: String
  private let bytes: [UInt8]

  /// Throws if it is a file that cannot be read, or too large.
  init(_ text: String) throws(CheckpointError) {
    if text.hasPrefix("{") {
      (source, bytes) = ("the JSON given", Array(text.utf8))
    } else {
      let file = try ModelBytes(mapping: text)
      guard file.count <= Self.byteCountLimit else {
        throw .overLimit(what: "bytes of \(text)", value: file.count, limit: Self.byteCountLimit)
      }
      source = text
      bytes = file.withBytes(in: 0..<file.count) { span in
        unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
      }
    }
  }

  /// Decodes it.
  ///
  /// - Parameter fault: Makes an error of a reason.
  func decoded<Value: Decodable>(
    _ type: Value.Type, orThrow fault: (_ reason: String) -> CheckpointError
  ) throws(CheckpointError) -> Value {
    let tree: JSONTree
    do { tree = try unsafe JSONTree(bytes.span.bytes, allowsNUL: true) } catch {
      throw fault(
        "JSON: \(error.reason), byte \(error.offset); it must be one whole JSON object, from { to }, "
          + "with names and texts in double quotes")
    }
    do { return try tree.decode(type) } catch {
      throw error as? CheckpointError ?? fault(ModelDocument.reason(of: error))
    }
  }
}
