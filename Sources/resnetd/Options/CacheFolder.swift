import Glibc

/// Folder for data that this program can do without.
enum CacheFolder {
  /// Path by the XDG Base Directory Specification: `$XDG_CACHE_HOME/resnetd`, or
  /// `~/.cache/resnetd`; nil without a home.
  static var path: String? {
    if let folder = variable("XDG_CACHE_HOME") { return "\(folder)/resnetd" }
    return variable("HOME").map { "\($0)/.cache/resnetd" }
  }

  /// Returns nil for relative paths, which the specification says to ignore.
  private static func variable(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.hasPrefix("/") ? text : nil
  }
}
