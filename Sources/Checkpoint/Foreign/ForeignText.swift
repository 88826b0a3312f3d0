/// Text in place of a model: what servers and Git leave, and the descriptions beside weights.
enum ForeignText {
  /// Bytes that are all examined before a file is taken for text.
  private static let textByteCount = 512

  static func file(beginning start: [UInt8]) -> ForeignFile? {
    var text = start[...]
    if text.starts(with: [0xef, 0xbb, 0xbf]) { text = text.dropFirst(3) }
    text = text.drop { isBlank($0) }
    // By the beginning alone, because a page may be in any encoding.
    if begins(text, with: "<!doctype html") || begins(text, with: "<html") { return page }
    if text.starts(with: "version https://git-lfs".utf8) { return pointer }
    if begins(text, with: "<?xml") || begins(text, with: "<net ") { return xml(text) }
    // The first bytes of a safetensors length, a zip entry, a pickle and a message are not
    // printable.
    let examined = start.prefix(textByteCount)
    guard examined.count > 1, examined.allSatisfy(isOfText) else { return nil }
    if let document = ForeignJSON.file(beginning: text) { return document }
    if text.first == UInt8(ascii: "{"), errorKeys.contains(where: { contains(text, $0) }) {
      return errorMessage(text)
    }
    if begins(text, with: "name:"), contains(text, "layer {") || contains(text, "layers {") {
      return prototype
    }
    let shown = examined.prefix(ForeignFile.shownByteCount).map { 0x20...0x7e ~= $0 ? $0 : 0x20 }
    return ForeignFile(
      "it is text that begins with \"" + String(decoding: shown, as: UTF8.self)
        + (examined.count > shown.count ? "…\"" : "\""))
  }

  private static let fetchAgain = "download the file itself and compare its size"
  private static let page = ForeignFile(
    "it is an HTML page, as servers send in place of a file (a login, a preview, an error)",
    remedy: fetchAgain)
  private static let pointer = ForeignFile(
    "it is a pointer of Git LFS, not the file itself", remedy: "git lfs pull fetches the file")
  private static let prototype = ForeignFile(
    "it is the layout of a Caffe network (.prototxt), without the weights",
    remedy: ForeignFile.exportTheOriginal)

  /// Keys under which servers say in JSON why they send no file.
  private static let errorKeys = ["\"error\"", "\"errors\"", "\"message\"", "\"detail\""]
  /// Characters of such an answer that are shown.
  private static let shownMessageCount = 160

  private static func errorMessage(_ text: ArraySlice<UInt8>) -> ForeignFile {
    let shown = text.prefix(shownMessageCount).map { 0x20...0x7e ~= $0 ? $0 : 0x20 }
    return ForeignFile(
      "it is JSON, as servers send in place of a file: " + String(decoding: shown, as: UTF8.self)
        + (text.count > shown.count ? "…" : ""),
      remedy: "\(fetchAgain); one that is not public needs a token")
  }

  private static func xml(_ text: ArraySlice<UInt8>) -> ForeignFile {
    if contains(text, "<net ") {
      return ForeignFile(
        "it is an OpenVINO model (.xml, whose weights are in a .bin)",
        remedy: ForeignFile.exportTheOriginal)
    }
    return ForeignFile(
      "it is an XML document, as stores of objects send for an error", remedy: fetchAgain)
  }

  /// Compares without regard to the case of ASCII letters; `word` is in lower case.
  private static func begins(_ text: ArraySlice<UInt8>, with word: String) -> Bool {
    text.prefix(word.utf8.count).map { 0x41...0x5a ~= $0 ? $0 | 0x20 : $0 } == Array(word.utf8)
  }

  static func contains(_ text: ArraySlice<UInt8>, _ word: String) -> Bool {
    let word = Array(word.utf8)
    return text.indices.contains { text[$0...].starts(with: word) }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0d ~= byte }

  /// Returns whether it is printable or blank ASCII, or any byte of UTF-8 beyond ASCII.
  private static func isOfText(_ byte: UInt8) -> Bool {
    0x20...0x7e ~= byte || isBlank(byte) || 0x80...0xf4 ~= byte
  }
}
