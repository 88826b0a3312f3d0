import Glibc

/// Dates as header fields carry them (IMF-fixdate, RFC 9110, section 5.6.7).
package enum HTTPDate {
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// Writes the date that is so many seconds after 1970-01-01 00:00:00 UTC.
  package static func text(secondsSinceEpoch: Int) -> String {
    var seconds = time_t(secondsSinceEpoch)
    var parts = unsafe tm()
    // SAFETY: both pointers are to this function's own variables.
    unsafe gmtime_r(&seconds, &parts)
    let date =
      unsafe "\(twoDigits(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year)"
    let time = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map(twoDigits)
    return unsafe "\(days[Int(parts.tm_wday)]), \(date) \(time.joined(separator: ":")) GMT"
  }

  private static func twoDigits(_ number: CInt) -> String {
    number < 10 ? "0\(number)" : "\(number)"
  }
}
