import Glibc

/// Why something could not be done with a file.
package struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  package let path: String
  /// A verb: `open`, `read`.
  package let doing: String
  package let reason: String
  /// The system's `errno`; 0 where the system did not refuse.
  package let number: CInt

  package init(_ doing: String, _ path: String, reason: String) {
    (self.doing, self.path, self.reason, number) = (doing, path, reason, 0)
  }

  /// The failure that the system's number tells of; by default that of the call just made.
  package init(_ doing: String, _ path: String, number: CInt = errno) {
    (self.doing, self.path, self.number) = (doing, path, number)
    reason = SystemError.text(number)
  }

  package var description: String { "cannot \(doing) \(path): \(reason)" }
}

/// The system's own words.
package enum SystemError {
  /// The text for an `errno`; by default that of the call just made.
  package static func text(_ number: CInt = errno) -> String {
    unsafe String(cString: strerror(number))
  }
}
