import Glibc

/// Messages for whoever sits at the terminal.
enum StandardError {
  /// Writes the message and a newline by one call.
  static func write(_ message: String) {
    let bytes = Array((message + "\n").utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
