/// Base64 (RFC 4648, section 4) in a JSON string, decoded in place.
enum Base64 {
  private static let padding = UInt8(ascii: "=")
  private static let backslash = UInt8(ascii: "\\")
  /// Value of a byte that does not belong to the alphabet.
  private static let none: UInt8 = 0xff

  /// The six bits that each byte stands for.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: none, count: 256)
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for (index, byte) in alphabet.utf8.enumerated() { values[Int(byte)] = UInt8(index) }
    return values
  }()

  /// Overwrites the string's bytes with the decoded ones, which are fewer, and returns their range.
  ///
  /// Returns nil if they are not base64 with its padding: neither blanks nor the alphabet for URLs
  /// are accepted. JSON escapes are: some writers put a backslash before every slash.
  static func decode(_ bytes: inout [UInt8], _ range: Range<Int>) -> Range<Int>? {
    let values = values
    var (read, write) = (range.lowerBound, range.lowerBound)
    var (bits, digitCount, paddingCount): (UInt32, Int, Int) = (0, 0, 0)
    while read < range.upperBound {
      var byte = bytes[read]
      read += 1
      if byte == backslash {
        guard let escaped = unescape(bytes, &read, range.upperBound) else { return nil }
        byte = escaped
      }
      let value = values[Int(byte)]
      if value == none {
        guard byte == padding, paddingCount < 2 else { return nil }
        paddingCount += 1
        continue
      }
      guard paddingCount == 0 else { return nil }
      bits = bits << 6 | UInt32(value)
      digitCount += 1
      guard digitCount == 4 else { continue }
      bytes[write] = UInt8(truncatingIfNeeded: bits >> 16)
      bytes[write + 1] = UInt8(truncatingIfNeeded: bits >> 8)
      bytes[write + 2] = UInt8(truncatingIfNeeded: bits)
      write += 3
      (bits, digitCount) = (0, 0)
    }
    switch (digitCount, paddingCount) {
    case (0, 0): break
    case (2, 2):
      bytes[write] = UInt8(truncatingIfNeeded: bits >> 4)
      write += 1
    case (3, 1):
      bytes[write] = UInt8(truncatingIfNeeded: bits >> 10)
      bytes[write + 1] = UInt8(truncatingIfNeeded: bits >> 2)
      write += 2
    default: return nil
    }
    return range.lowerBound..<write
  }

  /// Returns the byte that an escape stands for (RFC 8259, section 7), or nil if it cannot be
  /// base64.
  private static func unescape(_ bytes: [UInt8], _ read: inout Int, _ end: Int) -> UInt8? {
    guard read < end else { return nil }
    let letter = bytes[read]
    read += 1
    if letter == UInt8(ascii: "/") { return letter }
    guard letter == UInt8(ascii: "u"), end - read >= 4 else { return nil }
    var scalar = 0
    for byte in bytes[read..<read + 4] {
      guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else { return nil }
      scalar = scalar << 4 | digit
    }
    read += 4
    return UInt8(exactly: scalar)
  }
}
