/// A word as a shell reads it, for commands that messages suggest.
enum ShellWord {
  /// Returns the text as one word of a POSIX shell: in quotes if it has characters that mean
  /// something there.
  static func of(_ text: String) -> String {
    let isPlain = !text.isEmpty && text.utf8.allSatisfy(isPlain)
    guard !isPlain else { return text }
    // Between single quotes nothing has a meaning but another single quote.
    return "'"
      + text.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "'\\''") + "'"
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "/._-+@:,%".utf8.contains(byte)
    }
  }
}
