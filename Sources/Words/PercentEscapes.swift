/// Escapes of bytes in addresses, `%2F` (RFC 3986, section 2.1).
package enum PercentEscapes {
  private static let percent = UInt8(ascii: "%")
  private static let plus = UInt8(ascii: "+")

  /// Returns the string with its escapes decoded; nil for a broken escape, for NUL, and for bytes that
  /// are not UTF-8.
  ///
  /// - Parameters:
  ///   - plusIsBlank: Whether `+` stands for a blank, as forms have it.
  ///   - kept: Byte whose escape stays as it is, because it means something else where it is none; its
  ///     digits are written in capitals.
  package static func decoded(
    _ text: Substring.UTF8View, plusIsBlank: Bool = false, keeping kept: UInt8? = nil
  ) -> String? {
    guard text.contains(where: { $0 == percent || $0 == plus }) else {
      return String(Substring(text))
    }
    var bytes: [UInt8] = []
    var input = text.makeIterator()
    while let byte = input.next() {
      guard byte == percent else {
        bytes.append(plusIsBlank && byte == plus ? UInt8(ascii: " ") : byte)
        continue
      }
      guard let high = input.next().flatMap(digit), let low = input.next().flatMap(digit),
        high << 4 | low != 0
      else { return nil }
      let decoded = high << 4 | low
      if decoded == kept { bytes += escape(decoded) } else { bytes.append(decoded) }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// Returns a byte's escape.
  package static func escape(_ byte: UInt8) -> [UInt8] {
    [percent, capital(byte >> 4), capital(byte & 15)]
  }

  private static func capital(_ digit: UInt8) -> UInt8 {
    digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10
  }

  /// Returns the value of a hexadecimal digit of either case, 0...15, or nil for anything else.
  package static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
