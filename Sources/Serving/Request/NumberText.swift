import Words

/// A number as JSON writes it (RFC 8259, section 6).
///
/// Swift's initialisers accept more: hexadecimal digits, `inf`, `nan`, a plus sign in front, a
/// point without digits around it.
package enum NumberText {
  /// Returns the number nearest to the string, or nil if JSON does not write it so or it is beyond
  /// the type.
  package static func value<Number: BinaryFloatingPoint & LosslessStringConvertible>(
    _ text: some StringProtocol, as type: Number.Type = Number.self
  ) -> Number? {
    guard isNumber(text), let value = Number(String(text)), value.isFinite else { return nil }
    return value
  }

  /// Returns how a number is written that JSON does not write so, as `; write 0.5`; nil if it is none.
  package static func advice(_ text: String) -> String? {
    guard text.utf8.count <= adviceByteCountLimit, !isNumber(text) else { return nil }
    var digits = Substring(text)
    let isNegative = digits.hasPrefix("-")
    if isNegative || digits.hasPrefix("+") { digits = digits.dropFirst() }
    digits = Substring(digits.replacingText(",", with: "."))
    while digits.hasPrefix("00") || digits.hasPrefix("0") && digits.dropFirst().first != "." {
      guard digits.count > 1 else { break }
      digits = digits.dropFirst()
    }
    if digits.hasPrefix(".") { digits = "0" + digits }
    if digits.hasSuffix(".") { digits = digits.dropLast() }
    let written = (isNegative ? "-" : "") + digits
    return isNumber(written) ? "; write \(written)" : nil
  }

  private static let adviceByteCountLimit = 32

  /// Returns the whole number of these digits, or nil for anything else, even a sign, and for one
  /// beyond the type.
  package static func wholeNumber(_ text: some StringProtocol) -> Int? {
    text.utf8.allSatisfy(isDigit) ? Int(text) : nil
  }

  /// Returns whether it is `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
  private static func isNumber(_ text: some StringProtocol) -> Bool {
    var rest = Substring(text).utf8[...]
    func skip(_ bytes: UInt8...) -> Bool {
      guard let first = rest.first, bytes.contains(first) else { return false }
      rest = rest.dropFirst()
      return true
    }
    func skipDigits() -> Int {
      let digits = rest.prefix(while: isDigit)
      rest = rest[digits.endIndex...]
      return digits.count
    }
    _ = skip(UInt8(ascii: "-"))
    let startsWithZero = rest.first == UInt8(ascii: "0")
    let wholeCount = skipDigits()
    guard startsWithZero ? wholeCount == 1 : wholeCount > 0 else { return false }
    if skip(UInt8(ascii: ".")), skipDigits() == 0 { return false }
    if skip(UInt8(ascii: "e"), UInt8(ascii: "E")) {
      _ = skip(UInt8(ascii: "+"), UInt8(ascii: "-"))
      if skipDigits() == 0 { return false }
    }
    return rest.isEmpty
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
  }
}
