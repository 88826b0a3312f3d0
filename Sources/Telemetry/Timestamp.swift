import Glibc

/// A second in UTC as log lines show it, made once and used for all lines of that second.
package struct Timestamp {
  let seconds: Int
  /// Beginning of an RFC 3339 time, `2026-01-31T12:00:00`.
  package let iso8601: String

  package static var now: Timestamp { Timestamp(seconds: time(nil)) }

  init(seconds: Int) {
    self.seconds = seconds
    var time = time_t(seconds)
    var parts = unsafe tm()
    // SAFETY: both pointers are to this initialiser's own variables.
    unsafe gmtime_r(&time, &parts)
    let day = unsafe [Int(parts.tm_mon) + 1, Int(parts.tm_mday)].map(Self.twoDigits)
    let hour = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map { Self.twoDigits(Int($0)) }
    let clock = hour.joined(separator: ":")
    iso8601 = unsafe "\(1900 + parts.tm_year)-\(day.joined(separator: "-"))T\(clock)"
  }

  private static func twoDigits(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
}
