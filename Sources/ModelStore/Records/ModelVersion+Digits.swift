package import Checkpoint

extension ModelVersion {
  /// From all 64 lower-case hexadecimal digits; nil for any other text.
  package init?(digits text: String) {
    let digits = Array(text.utf8)
    guard digits.count == 2 * SHA256.byteCount else { return nil }
    var digest: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = Self.value(of: digits[index]), let low = Self.value(of: digits[index + 1])
      else { return nil }
      digest.append(high << 4 | low)
    }
    self.init(digest: digest)
  }

  static func isDigit(_ byte: UInt8) -> Bool { value(of: byte) != nil }

  private static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
