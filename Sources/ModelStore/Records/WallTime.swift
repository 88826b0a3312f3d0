import Glibc

/// A moment in UTC, to the millisecond.
package struct WallTime: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Milliseconds with a year of four digits.
  static let validRange = 0...253_402_300_799_999

  package let millisecondsSince1970: Int

  /// Clamps to the years 1970 to 9999.
  package init(millisecondsSince1970 milliseconds: Int) {
    millisecondsSince1970 = min(
      max(milliseconds, Self.validRange.lowerBound), Self.validRange.upperBound)
  }

  package static var now: WallTime {
    var time = timespec()
    // SAFETY: points to this function's own variable; this clock always exists.
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(millisecondsSince1970: time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
  }

  package static func < (left: WallTime, right: WallTime) -> Bool {
    left.millisecondsSince1970 < right.millisecondsSince1970
  }

  /// The moment in the form of RFC 3339: `2026-01-31T12:00:00.000Z`.
  package var description: String {
    var seconds = time_t(millisecondsSince1970 / 1000)
    var parts = unsafe tm()
    // SAFETY: both point to this property's own variables.
    unsafe gmtime_r(&seconds, &parts)
    let day = unsafe [
      Self.digits(1900 + Int(parts.tm_year), 4), Self.digits(1 + Int(parts.tm_mon), 2),
      Self.digits(Int(parts.tm_mday), 2),
    ]
    let time = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map { Self.digits(Int($0), 2) }
    return day.joined(separator: "-") + "T" + time.joined(separator: ":") + "."
      + Self.digits(millisecondsSince1970 % 1000, 3) + "Z"
  }

  private static func digits(_ number: Int, _ count: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
  }
}
