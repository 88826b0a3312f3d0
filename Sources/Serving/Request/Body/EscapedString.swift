/// Characters of a JSON string, one after another, with their escapes resolved (RFC 8259, section
/// 7).
///
/// The bytes are those of a string that a JSON reader has accepted. Where it stands it is a value
/// to return to.
struct EscapedString {
  private static let backslash = UInt8(ascii: "\\")
  /// Number of hexadecimal digits of an escape.
  private static let digitCount = 4

  /// Place in the bytes.
  private(set) var position: Int
  let end: Int
  /// Characters that have been read, as long as all of them are ASCII.
  private(set) var offset = 0

  init(_ range: Range<Int>) { (position, end) = (range.lowerBound, range.upperBound) }

  /// Reads a character: a byte as it stands, or the number of an escaped one. Nil at the end.
  @inline(__always)
  mutating func next(_ bytes: [UInt8]) -> UInt32? {
    guard position < end else { return nil }
    let byte = bytes[position]
    position += 1
    offset += 1
    return byte == Self.backslash ? escaped(bytes) : UInt32(byte)
  }

  /// Whether the string goes on with this text, which is in lower case, in any case of its letters.
  func continues(with text: String, _ bytes: [UInt8]) -> Bool {
    let upperCase = UInt32(UInt8(ascii: "A"))...UInt32(UInt8(ascii: "Z"))
    var rest = self
    return text.utf8.allSatisfy { expected in
      guard let found = rest.next(bytes) else { return false }
      return (upperCase.contains(found) ? found | 0x20 : found) == UInt32(expected)
    }
  }

  private mutating func escaped(_ bytes: [UInt8]) -> UInt32 {
    guard position < end else { return UInt32(Self.backslash) }
    let letter = bytes[position]
    position += 1
    switch letter {
    case UInt8(ascii: "n"): return 0x0a
    case UInt8(ascii: "r"): return 0x0d
    case UInt8(ascii: "t"): return 0x09
    case UInt8(ascii: "f"): return 0x0c
    case UInt8(ascii: "b"): return 0x08
    case UInt8(ascii: "u"):
      let digits = bytes[position..<min(end, position + Self.digitCount)]
      position += digits.count
      return digits.reduce(0) { number, digit in
        number << 4 | UInt32(Character(UnicodeScalar(digit)).hexDigitValue ?? 0)
      }
    default: return UInt32(letter)
    }
  }
}
