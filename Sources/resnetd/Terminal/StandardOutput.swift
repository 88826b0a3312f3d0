import Files
import Glibc
import Synchronization

/// Output of commands for their users: the only way to standard output, which notices failed
/// writes.
///
/// Lines for a terminal are written at once, others in large parts. An error is remembered until
/// `finish` reports it.
enum StandardOutput {
  /// Bytes that are gathered for one call, 64 KiB.
  private static let gatheredByteCount = 64 << 10

  private struct State {
    var bytes: [UInt8] = []
    /// Number of the first error; nothing is written after it.
    var fault: CInt?
  }

  private static let state = Mutex(State())
  private static let isTerminal = isatty(STDOUT_FILENO) == 1

  /// Adds the string and a newline.
  static func write(_ text: String) {
    state.withLock { state in
      state.bytes.append(contentsOf: text.utf8)
      state.bytes.append(UInt8(ascii: "\n"))
      if isTerminal || state.bytes.count >= gatheredByteCount { send(&state) }
    }
  }

  /// Sends the bytes after everything gathered, for readers that want them now; returns whether
  /// nothing has failed so far.
  static func send(_ bytes: [UInt8]) -> Bool {
    state.withLock { state in
      state.bytes += bytes
      send(&state)
      return state.fault == nil
    }
  }

  /// Writes the rest and turns a fault into the program's exit code.
  ///
  /// - Parameter code: Exit code of the command if its output arrives.
  static func finish(_ code: ExitCode) -> ExitCode {
    let fault = state.withLock { state in
      send(&state)
      return state.fault
    }
    guard let fault else { return code }
    // The reader has what it wanted: as if SIGPIPE had ended the process, which it does unless
    // ignored.
    if fault == EPIPE { return .brokenPipe }
    StandardError.write(
      "resnetd: standard output cannot be written: \(SystemError.text(fault))")
    return .failure
  }

  private static func send(_ state: inout State) {
    var rest = state.bytes[...]
    while !rest.isEmpty, state.fault == nil {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count)
      }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if count == 0 {
        state.fault = EIO
      } else if errno == EAGAIN {
        var wanted = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        unsafe poll(&wanted, 1, -1)
      } else if errno != EINTR {
        state.fault = errno
      }
    }
    state.bytes.removeAll(keepingCapacity: true)
  }
}
