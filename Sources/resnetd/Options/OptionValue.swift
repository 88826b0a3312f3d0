import Serving
import Words

/// Conversions of options' strings to values and back.
enum OptionValue {
  private static let durationUnits: [(suffix: String, duration: Duration)] = [
    ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60)), ("h", .seconds(3600)),
  ]
  private static let numberLimit = 1e9
  private static let byteUnits: [(suffix: String, count: Int)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("kB", 1000), ("MB", 1_000_000),
    ("GB", 1_000_000_000), ("B", 1),
  ]

  /// Returns a word that is spelt the American way as names of values are.
  static func british(_ word: String) -> String {
    word.replacingText("color", with: "colour").replacingText("gray", with: "grey")
      .replacingText("center", with: "centre")
  }

  static func integer(_ text: String, in range: ClosedRange<Int>) throws(InvalidValue) -> Int {
    guard let value = NumberText.wholeNumber(text), range.contains(value) else {
      throw InvalidValue(
        expected: range.upperBound == .max
          ? "a whole number of at least \(range.lowerBound)"
          : "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// Reads `500ms`, `1.5s`, `2m` or `1h`; a bare number counts seconds.
  static func duration(
    _ text: String, in range: ClosedRange<Duration>
  ) throws(InvalidValue) -> Duration {
    let unit = durationUnits.first { text.hasSuffix($0.suffix) && number(text, $0.suffix) != nil }
    let value = number(text, unit?.suffix ?? "").map { (unit?.duration ?? .seconds(1)) * $0 }
    guard let value, range.contains(value) else {
      throw InvalidValue(
        expected: "a time such as 500ms, 10s or 2m, from \(Self.text(range.lowerBound)) to "
          + Self.text(range.upperBound),
        advice: advice(duration: text))
    }
    return value
  }

  /// Returns how a time is written whose number is not one.
  private static func advice(duration text: String) -> String? {
    let unit = text.drop { !$0.isLetter }
    guard unit.isEmpty || durationUnits.contains(where: { $0.suffix == unit }) else { return nil }
    return NumberText.advice(String(text.dropLast(unit.count))).map { $0 + unit }
  }

  /// Reads `65536`, `64KiB`, `10MiB`, `1GiB`, or the decimal units kB, MB and GB.
  static func byteCount(_ text: String, in range: ClosedRange<Int>) throws(InvalidValue) -> Int {
    let unit = byteUnits.first { text.hasSuffix($0.suffix) }
    let product = NumberText.wholeNumber(text.dropLast(unit?.suffix.count ?? 0)).map {
      $0.multipliedReportingOverflow(by: unit?.count ?? 1)
    }
    guard let product, !product.overflow, range.contains(product.partialValue) else {
      throw InvalidValue(
        expected: "a size such as 64KiB or 10MiB, from \(Self.text(byteCount: range.lowerBound)) "
          + "to \(Self.text(byteCount: range.upperBound))")
    }
    return product.partialValue
  }

  /// Writes a duration in the largest unit that leaves a whole number.
  static func text(_ duration: Duration) -> String {
    let milliseconds = Int((duration / .milliseconds(1)).rounded())
    if milliseconds == 0 { return "0s" }
    if !milliseconds.isMultiple(of: 1000) { return "\(milliseconds)ms" }
    let seconds = milliseconds / 1000
    if seconds.isMultiple(of: 3600) { return "\(seconds / 3600)h" }
    return seconds >= 120 && seconds.isMultiple(of: 60) ? "\(seconds / 60)m" : "\(seconds)s"
  }

  /// Writes a size in the largest binary unit that leaves a whole number.
  static func text(byteCount: Int) -> String {
    let suffixes = ["", "KiB", "MiB", "GiB"]
    let power = byteCount > 0 ? min(byteCount.trailingZeroBitCount / 10, suffixes.count - 1) : 0
    return "\(byteCount >> (10 * power))\(suffixes[power])"
  }

  /// Reads digits with at most one point between them: `1e300` must not become a time.
  private static func number(_ text: String, _ suffix: String) -> Double? {
    let digits = text.dropLast(suffix.count)
    guard digits.allSatisfy({ "0"..."9" ~= $0 || $0 == "." }),
      let value = NumberText.value(digits, as: Double.self),
      value <= numberLimit
    else { return nil }
    return value
  }
}

/// Error of a string that is not a value of an option: what it should be.
struct InvalidValue: Error {
  let expected: String
  /// How the string is written instead, as `; write 0.5`.
  var advice: String?
}
