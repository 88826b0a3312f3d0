import Glibc

/// Reason why something could not be done with a file.
package struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  package let path: String
  /// Verb, such as `open` or `read`.
  package let doing: String
  package let reason: String
  /// The system's `errno`; 0 if the system did not refuse.
  package let number: CInt

  package init(_ doing: String, _ path: String, reason: String) {
    (self.doing, self.path, self.reason, number) = (doing, path, reason, 0)
  }

  /// Makes the error of an `errno`, by default that of the call just made.
  package init(_ doing: String, _ path: String, number: CInt = errno) {
    (self.doing, self.path, self.number) = (doing, path, number)
    reason = SystemError.text(number)
  }

  package var description: String { "cannot \(doing) \(path): \(reason)" }
}

/// The system's own words.
package enum SystemError {
  /// Returns the text for an `errno`, by default that of the call just made.
  package static func text(_ number: CInt = errno) -> String {
    let text = unsafe String(cString: strerror(number))
    guard number == EFBIG, let limit = fileSizeLimit else { return text }
    return
      "\(text): this process may write files of \(limit) bytes at most; raise its limit (ulimit -f, "
      + "LimitFSIZE of systemd)"
  }

  /// Bytes of a file that this process may write; nil without a limit.
  package static var fileSizeLimit: Int? {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0,
      limit.rlim_cur < rlim_t(Int.max)
    else { return nil }
    return Int(limit.rlim_cur)
  }
}
