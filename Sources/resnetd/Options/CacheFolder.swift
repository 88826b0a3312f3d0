import Glibc

/// Where this program may keep what it can do without.
enum CacheFolder {
  /// XDG Base Directory Specification: `$XDG_CACHE_HOME/resnetd`, or `~/.cache/resnetd`; nil without a home.
  static var path: String? {
    if let folder = variable("XDG_CACHE_HOME") { return "\(folder)/resnetd" }
    return variable("HOME").map { "\($0)/.cache/resnetd" }
  }

  /// Relative paths are to be ignored, the specification says.
  private static func variable(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.hasPrefix("/") ? text : nil
  }
}
