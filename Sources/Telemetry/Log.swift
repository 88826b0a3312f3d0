import Dispatch
import Glibc
import Synchronization
import Time

/// Appearance of log lines.
package enum LogFormat: String, Sendable, CaseIterable {
  /// Lines for people: `2026-01-31T12:00:00.000Z info    message key=value`.
  case text
  /// Lines for programs: one JSON object each (RFC 8259).
  case json
}

/// Weight of a log line.
package enum LogLevel: String, Sendable {
  /// Something happened that is in order.
  case info
  /// The server goes on, but somebody should look.
  case warning
  /// Something failed.
  case error

  /// Name and blanks, as wide as the longest.
  var column: String {
    switch self {
    case .info: "info    "
    case .warning: "warning "
    case .error: "error   "
    }
  }
}

/// Structured lines on a file descriptor, from any thread, in the order of the calls.
///
/// ```
/// callers --line--> buffer (at most `byteLimit`) --queue's thread--> descriptor
///                     | full: dropped, counted, reported when writing works again
/// ```
///
/// No caller ever waits for the descriptor: whoever reads it may have stopped, and a server must
/// not stop with it.
package final class Log: Sendable {
  package enum Value: Sendable, Hashable {
    case text(String)
    case integer(Int)
    /// A number shown with three decimal places: microseconds as milliseconds.
    case thousandths(Int)
  }

  package typealias Fields = KeyValuePairs<String, Value>

  /// Time that a gathered line waits for others, 100 ms.
  static let gatheringTime = DispatchTimeInterval.milliseconds(100)
  /// Bytes that wait or are being written, 1 MiB; beyond it lines are dropped and counted.
  static let byteLimit = 1 << 20
  /// Time that the end of the process waits for its last lines to be taken, 1 s.
  package static let flushLimit = Duration.seconds(1)

  /// Time at which waiting lines are written.
  private enum Schedule: Int {
    case none, gathering, now
  }

  private struct State {
    var lines = LogLines()
    var writtenNowByteCount = 0
    /// Lines dropped since the last report.
    var droppedCount = 0
    var schedule = Schedule.none
    var time = Timestamp(seconds: 0)
  }

  private let format: LogFormat
  private let descriptor: CInt
  private let state = Mutex(State())
  private let dropped = Atomic(0)
  // Only this queue writes, so lines keep their order.
  private let queue = DispatchQueue(label: "resnetd.log")

  /// Makes a log, on standard error unless told otherwise; without a format, it writes text to a
  /// terminal and JSON elsewhere.
  package init(format: LogFormat? = nil, descriptor: CInt = STDERR_FILENO) {
    self.format = format ?? (isatty(descriptor) == 1 ? .text : .json)
    self.descriptor = descriptor
  }

  /// Number of lines lost so far, for lack of room or because the system did not take them.
  package var droppedLineCount: Int { dropped.load(ordering: .relaxed) }

  /// Adds a line, which another thread writes at once with all others that wait.
  package func write(
    _ message: String, as level: LogLevel = .info, _ fields: Fields = [:]
  ) {
    if add(message, level, fields, .now) { queue.async { [self] in writeWaiting() } }
  }

  /// Adds a line that is written soon, with others: for events that happen often.
  package func gather(_ message: String, _ fields: Fields) {
    guard add(message, .info, fields, .gathering) else { return }
    queue.asyncAfter(deadline: .now() + Self.gatheringTime) { [self] in writeWaiting() }
  }

  /// Waits until all lines added before are written, at the end of the process; gives up in time.
  ///
  /// - Returns: Whether they have been written, or lost in the attempt.
  @discardableResult
  package func flush(within limit: Duration = flushLimit) -> Bool {
    let isDone = DispatchSemaphore(value: 0)
    queue.async { [self] in
      writeWaiting()
      isDone.signal()
    }
    return isDone.wait(for: limit)
  }

  /// Adds a line; whether the caller must see to it that lines are written.
  private func add(
    _ message: String, _ level: LogLevel, _ fields: Fields, _ schedule: Schedule
  ) -> Bool {
    let now = now
    let (isDropped, isFirst) = state.withLock { state in
      let isFirst = state.schedule.rawValue < schedule.rawValue
      if isFirst { state.schedule = schedule }
      if state.time.seconds != now.tv_sec { state.time = Timestamp(seconds: now.tv_sec) }
      guard state.lines.bytes.count + state.writtenNowByteCount < Self.byteLimit else {
        state.droppedCount += 1
        return (true, isFirst)
      }
      state.lines.append(
        format, state.time, milliseconds: now.tv_nsec / 1_000_000, message, level, fields)
      return (false, isFirst)
    }
    if isDropped { dropped.add(1, ordering: .relaxed) }
    return isFirst
  }

  // MARK: The queue's thread

  private func writeWaiting() {
    let (bytes, droppedCount) = state.withLock { state in
      defer {
        state.writtenNowByteCount = state.lines.bytes.count
        (state.lines, state.droppedCount, state.schedule) = (LogLines(), 0, .none)
      }
      return (state.lines.bytes, state.droppedCount)
    }
    let lostCount = writeAll(bytes)
    let unreportedCount = lostCount + (report(droppedCount) ? 0 : droppedCount)
    dropped.add(lostCount, ordering: .relaxed)
    state.withLock { state in
      state.writtenNowByteCount = 0
      state.droppedCount += unreportedCount
    }
  }

  /// Reports dropped lines, which came after all that waited then; whether that was possible.
  private func report(_ droppedCount: Int) -> Bool {
    guard droppedCount > 0 else { return true }
    let now = now
    let line = Self.line(
      format, "log lines dropped", as: .warning, ["count": .integer(droppedCount)],
      seconds: now.tv_sec,
      milliseconds: now.tv_nsec / 1_000_000)
    return writeAll(line) == 0
  }

  private var now: timespec {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return time
  }

  /// Writes all bytes, however long it takes.
  ///
  /// - Returns: How many lines the system did not take, or not whole.
  private func writeAll(_ bytes: [UInt8]) -> Int {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if count < 0, errno == EAGAIN {
        // Another program that shares the descriptor has made it non-blocking.
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        unsafe poll(&wanted, 1, -1)
      } else if count == 0 || errno != EINTR {
        break
      }
    }
    return rest.count { $0 == UInt8(ascii: "\n") }
  }

  /// Makes a line with its newline; `seconds` are those since 1970-01-01 UTC.
  package static func line(
    _ format: LogFormat, _ message: String, as level: LogLevel = .info, _ fields: Fields,
    seconds: Int, milliseconds: Int
  ) -> [UInt8] {
    var lines = LogLines()
    lines.append(
      format, Timestamp(seconds: seconds), milliseconds: milliseconds, message, level, fields)
    return lines.bytes
  }
}
