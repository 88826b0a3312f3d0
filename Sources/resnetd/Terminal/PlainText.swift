/// Text that is safe on a terminal.
enum PlainText {
  /// Returns one line without anything that could drive a terminal: names come from model files,
  /// reasons from any server.
  static func line(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { isPlain($0) ? $0 : " " }))
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value >= 0x20 && !(0x7f...0x9f ~= scalar.value)
  }
}
