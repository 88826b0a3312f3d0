import Glibc

/// A moment in UTC, to the millisecond, as log lines show it.
struct Timestamp {
  /// `2026-01-31T12:00:00.000Z` (RFC 3339).
  let iso8601: String
  /// `12:00:00.000`.
  let clock: String

  init(seconds: Int, milliseconds: Int) {
    var time = time_t(seconds)
    var parts = unsafe tm()
    // SAFETY: both point to this initialiser's own variables.
    unsafe gmtime_r(&time, &parts)
    let day = unsafe [Int(parts.tm_mon) + 1, Int(parts.tm_mday)].map { Self.padded($0, 2) }
    let hour = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map { Self.padded(Int($0), 2) }
    clock = "\(hour.joined(separator: ":")).\(Self.padded(milliseconds, 3))"
    iso8601 = unsafe "\(1900 + parts.tm_year)-\(day.joined(separator: "-"))T\(clock)Z"
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
