/// Text that is safe on a terminal.
enum PlainText {
  /// Scalars of a message beyond which its middle is left out.
  private static let messageLimit = 4096
  /// Scalars that a cut message keeps of its end, which says what to do.
  private static let endCount = 1024

  /// Returns one line without anything that could drive a terminal: names come from model files,
  /// folders and lists, reasons from any server. Control characters stand as Swift writes them.
  static func line(_ text: String) -> String {
    guard !text.unicodeScalars.allSatisfy(isPlain) else { return text }
    var line = ""
    for scalar in text.unicodeScalars {
      if isPlain(scalar) {
        line.unicodeScalars.append(scalar)
      } else {
        line += escape(scalar)
      }
    }
    return line
  }

  /// Returns a text that is too long for a person without its middle.
  static func cut(_ text: String) -> String {
    // Counting the scalars of a short text is not worth it.
    guard text.utf8.count > messageLimit else { return text }
    let scalars = text.unicodeScalars
    let leftOutCount = scalars.count - messageLimit
    guard leftOutCount > 0 else { return text }
    return String(scalars.prefix(messageLimit - endCount))
      + "… (\(leftOutCount) characters left out) …" + String(scalars.suffix(endCount))
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value >= 0x20 && !(0x7f...0x9f ~= scalar.value)
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    default: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
    }
  }
}
