import Glibc

/// Messages for the person at the terminal.
///
/// The caller writes them, because the process may be about to end, but a reader that has stopped
/// delays it only for a bounded time.
enum StandardError {
  /// Time without progress after which the rest of a message is dropped, 1 s.
  private static let patienceMilliseconds: CInt = 1000
  /// Bytes that a writable pipe takes without blocking (pipe(7), `PIPE_BUF`).
  private static let partByteCount = 4096

  /// Writes a message of one line and a newline.
  ///
  /// Every message passes here, and most quote what somebody else has named: control characters are
  /// escaped, and a very long one is cut.
  static func write(_ message: String) { writeAll(PlainText.line(PlainText.cut(message)) + "\n") }

  /// Writes a message of several lines, each like one.
  static func write(lines: [String]) { for line in lines { write(line) } }

  /// Writes a string as it is: what programs read, and what drives the terminal on purpose.
  static func writeAll(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty, isWritable() {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.write(
          STDERR_FILENO, $0.baseAddress, min($0.count, partByteCount))
      }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if count == 0 || errno != EINTR && errno != EAGAIN {
        return
      }
    }
  }

  private static func isWritable() -> Bool {
    var wanted = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    while true {
      let count = unsafe poll(&wanted, 1, patienceMilliseconds)
      if count >= 0 || errno != EINTR { return count > 0 }
    }
  }
}
