import Files

/// Number of a trace, 128 bits that are not all zero (W3C Trace Context, section 3.2.2.3).
package struct TraceID: Sendable, Hashable {
  package let high: UInt64
  package let low: UInt64

  /// Reads 32 lower-case hexadecimal digits; nil for anything else, and for zeros alone.
  package init?(_ digits: some StringProtocol) {
    guard digits.utf8.count == 2 * Hexadecimal.digitCount,
      let high = Hexadecimal.number(digits.prefix(Hexadecimal.digitCount)),
      let low = Hexadecimal.number(digits.dropFirst(Hexadecimal.digitCount)), high != 0 || low != 0
    else { return nil }
    (self.high, self.low) = (high, low)
  }

  /// Makes a new one.
  package init() {
    high = .random(in: .min ... .max)
    low = .random(in: 1 ... .max)
  }

  /// 32 lower-case hexadecimal digits.
  package var text: String { Hexadecimal.text(high) + Hexadecimal.text(low) }
}

/// Number of a span within its trace, 64 bits that are not all zero (section 3.2.2.4).
package struct SpanID: Sendable, Hashable {
  private let number: UInt64

  /// Reads 16 lower-case hexadecimal digits; nil for anything else, and for zeros alone.
  package init?(_ digits: some StringProtocol) {
    guard digits.utf8.count == Hexadecimal.digitCount, let number = Hexadecimal.number(digits),
      number != 0
    else { return nil }
    self.number = number
  }

  /// Makes a new one.
  package init() { number = .random(in: 1 ... .max) }

  /// 16 lower-case hexadecimal digits.
  package var text: String { Hexadecimal.text(number) }
}

/// Numbers of 64 bits in hexadecimal digits.
private enum Hexadecimal {
  static let digitCount = 16

  static func number(_ digits: some StringProtocol) -> UInt64? {
    var number: UInt64 = 0
    for digit in digits.utf8 {
      guard let value = HexDigits.value(digit) else { return nil }
      number = number << 4 | UInt64(value)
    }
    return number
  }

  static func text(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: digitCount - digits.utf8.count) + digits
  }
}
