import Words

/// Percent-encoding of keys in addresses and listings (RFC 3986 section 2.1).
enum PercentCoding {
  /// Returns the string with everything escaped but what is unreserved, as signatures of AWS want it
  /// ("Create a signed AWS API request"); slashes stay in a path.
  static func encoded(_ text: String, isPath: Bool = false) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if isUnreserved(byte) || isPath && byte == UInt8(ascii: "/") {
        bytes.append(byte)
      } else {
        bytes += PercentEscapes.escape(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Returns the string that a listing has encoded, with `+` for a blank as forms have it; nil if an
  /// escape is incomplete or NUL, or the bytes are not UTF-8.
  static func decoded(_ text: String) -> String? {
    PercentEscapes.decoded(text[...].utf8, plusIsBlank: true)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    RemoteSource.isPlain(byte) || byte == UInt8(ascii: "~")
  }
}
