import Files

/// Percent-encoding of keys in addresses and listings (RFC 3986 section 2.1).
enum PercentCoding {
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// Returns the string with everything escaped but what is unreserved, as signatures of AWS want it
  /// ("Create a signed AWS API request"); slashes stay in a path.
  static func encoded(_ text: String, isPath: Bool = false) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if isUnreserved(byte) || isPath && byte == UInt8(ascii: "/") {
        bytes.append(byte)
      } else {
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Returns the string that a listing has encoded, with `+` for a blank as forms have it; nil if an
  /// escape is incomplete or the bytes are not UTF-8.
  static func decoded(_ text: String) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        guard let high = rest.popFirst().flatMap(HexDigits.value(ofEitherCase:)),
          let low = rest.popFirst().flatMap(HexDigits.value(ofEitherCase:))
        else { return nil }
        bytes.append(high << 4 | low)
      default: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    RemoteSource.isPlain(byte) || byte == UInt8(ascii: "~")
  }
}
