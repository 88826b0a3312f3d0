import Words

/// Classes of octets as the grammars of RFC 9110 and RFC 3986 name them.
enum ASCII {
  static let tab = UInt8(ascii: "\t")
  static let lineFeed = UInt8(ascii: "\n")
  static let carriageReturn = UInt8(ascii: "\r")
  static let space = UInt8(ascii: " ")
  static let colon = UInt8(ascii: ":")

  static func lowercased(_ byte: UInt8) -> UInt8 {
    UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
  }

  /// Lowers ASCII letters alone; `String.lowercased` makes the Kelvin sign a `k`.
  static func lowercased(_ text: some StringProtocol) -> String {
    String(decoding: text.utf8.map { lowercased($0) }, as: UTF8.self)
  }

  /// Removes blanks and tabs at either end (OWS, RFC 9110, section 5.6.3).
  static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let start = bytes.firstIndex(where: { !isBlank($0) }),
      let end = bytes.lastIndex(where: { !isBlank($0) })
    else { return [] }
    return bytes[start...end]
  }

  static func trimmed(_ text: some StringProtocol) -> String {
    String(decoding: trimmed(Array(text.utf8)[...]), as: UTF8.self)
  }

  static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

  static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

  static func isAlpha(_ byte: UInt8) -> Bool {
    UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
  }

  static func hexValue(_ byte: UInt8) -> UInt8? { PercentEscapes.digit(byte) }

  /// tchar, RFC 9110, section 5.6.2.
  static func isToken(_ byte: UInt8) -> Bool {
    isAlpha(byte) || isDigit(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
  }

  /// field-vchar, blank or tab, RFC 9110, section 5.5.
  static func isFieldContent(_ byte: UInt8) -> Bool {
    byte == tab || (byte >= space && byte != 0x7f)
  }

  /// unreserved or sub-delims, RFC 3986, section 2.
  static func isNameByte(_ byte: UInt8) -> Bool {
    isAlpha(byte) || isDigit(byte) || "-._~!$&'()*+,;=".utf8.contains(byte)
  }

  /// Bytes of a request target: visible characters except the sign of a fragment.
  static func isTarget(_ byte: UInt8) -> Bool {
    byte > space && byte < 0x7f && byte != UInt8(ascii: "#")
  }
}
