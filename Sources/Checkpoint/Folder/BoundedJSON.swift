import JSON

/// JSON files from outside, read within limits on the parser's memory.
enum BoundedJSON {
  static let byteCountLimit = 16 << 20
  /// Braces, brackets and commas: `{}` takes a hundred times its length.
  private static let structureLimit = 1 << 20

  /// Parses a file of the operator's; throws with its name.
  static func tree(_ path: String) throws(CheckpointError) -> JSONTree {
    let bytes = try ModelBytes(mapping: path)
    guard bytes.count <= byteCountLimit else {
      throw .overLimit(what: "bytes of \(path)", value: bytes.count, limit: byteCountLimit)
    }
    guard let text = bytes.text(in: 0..<bytes.count) else {
      throw .metadata(reason: "\(path): the file is not UTF-8")
    }
    try checkStructure(text, path: path)
    do { return try unsafe JSONTree(text.utf8Span.span.bytes, allowsNUL: true) } catch {
      throw .metadata(reason: "\(path): JSON: \(error.reason), byte \(error.offset)")
    }
  }

  static func checkStructure(_ text: String, path: String) throws(CheckpointError) {
    guard text.utf8.count <= byteCountLimit else {
      throw .overLimit(what: "bytes of \(path)", value: text.utf8.count, limit: byteCountLimit)
    }
    let structure = text.utf8.count {
      $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[")
    }
    guard structure <= structureLimit else {
      throw .overLimit(
        what: "braces, brackets and commas of \(path)", value: structure, limit: structureLimit)
    }
  }
}
