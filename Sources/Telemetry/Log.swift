import Dispatch
import Glibc
import Synchronization

/// How log lines look.
package enum LogFormat: String, Sendable, CaseIterable {
  /// For people: `12:00:00.000 message key=value`.
  case text
  /// For programs: one JSON object per line (RFC 8259).
  case json
}

/// Structured lines on a file descriptor, from any thread, in the order of the calls.
package final class Log: Sendable {
  package enum Value: Sendable, Hashable {
    case text(String)
    case integer(Int)
    /// Shown with three digits behind the point: microseconds as milliseconds.
    case thousandths(Int)
  }

  package typealias Fields = KeyValuePairs<String, Value>

  /// How long a gathered line waits for others.
  static let gatheringTime = DispatchTimeInterval.milliseconds(100)
  /// Bytes that wait at most. Beyond it lines are dropped and counted: logging never stops the server.
  static let byteLimit = 1 << 20

  private struct State {
    var bytes: [UInt8] = []
    var droppedCount = 0
    var isWritingSoon = false
    var time = Timestamp(seconds: 0)
  }

  private let format: LogFormat
  private let descriptor: CInt
  private let state = Mutex(State())
  /// Held by whoever writes, so that lines keep their order.
  private let writing = Mutex<Void>(())
  private let queue = DispatchQueue(label: "resnetd.log")

  /// Standard error unless told otherwise; text on a terminal and JSON elsewhere unless a format is given.
  package init(format: LogFormat? = nil, descriptor: CInt = STDERR_FILENO) {
    self.format = format ?? (isatty(descriptor) == 1 ? .text : .json)
    self.descriptor = descriptor
  }

  /// Adds a line and writes all that wait; returns when the system has taken them.
  package func write(_ message: String, _ fields: Fields = [:]) {
    add(message, fields)
    flush()
  }

  /// Adds a line that is written soon, with others and by another thread: for what happens often.
  package func gather(_ message: String, _ fields: Fields) {
    guard add(message, fields) else { return }
    queue.asyncAfter(deadline: .now() + Self.gatheringTime) { [self] in flush() }
  }

  /// Writes what waits.
  package func flush() {
    writing.withLock { _ in
      let (bytes, droppedCount) = state.withLock { state in
        defer { (state.bytes, state.droppedCount, state.isWritingSoon) = ([], 0, false) }
        return (state.bytes, state.droppedCount)
      }
      writeAll(bytes)
      if droppedCount > 0 {
        let now = now
        writeAll(
          Self.line(
            format, "log lines dropped", ["count": .integer(droppedCount)], seconds: now.tv_sec,
            milliseconds: now.tv_nsec / 1_000_000))
      }
    }
  }

  /// Whether the caller is the one to see that lines are written soon.
  @discardableResult
  private func add(_ message: String, _ fields: Fields) -> Bool {
    let now = now
    return state.withLock { state in
      if state.time.seconds != now.tv_sec { state.time = Timestamp(seconds: now.tv_sec) }
      if state.bytes.count < Self.byteLimit {
        state.bytes +=
          LogLine(
            format, state.time, milliseconds: now.tv_nsec / 1_000_000, message, fields
          ).bytes
      } else {
        state.droppedCount += 1
      }
      defer { state.isWritingSoon = true }
      return !state.isWritingSoon
    }
  }

  private var now: timespec {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return time
  }

  /// What the system does not take is lost.
  private func writeAll(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// A line with its newline; `seconds` since 1970-01-01 UTC.
  package static func line(
    _ format: LogFormat, _ message: String, _ fields: Fields, seconds: Int, milliseconds: Int
  ) -> [UInt8] {
    LogLine(format, Timestamp(seconds: seconds), milliseconds: milliseconds, message, fields).bytes
  }

  /// A JSON string, RFC 8259, section 7.
  package static func quoted(_ text: String) -> String { LogLine.quoted(text) }
}
