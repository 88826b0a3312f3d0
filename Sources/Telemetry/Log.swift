import Glibc

/// How log lines look.
package enum LogFormat: String, Sendable, CaseIterable {
  /// For people: `12:00:00.000 message key=value`.
  case text
  /// For programs: one JSON object per line (RFC 8259).
  case json
}

/// Structured lines on a file descriptor, each written by one call, from any thread.
package struct Log: Sendable {
  package enum Value: Sendable, Hashable {
    case text(String)
    case integer(Int)
    case number(Double)
  }

  package typealias Fields = KeyValuePairs<String, Value>

  private let format: LogFormat
  private let descriptor: CInt

  /// Standard error unless told otherwise; text on a terminal and JSON elsewhere unless a format is given.
  package init(format: LogFormat? = nil, descriptor: CInt = STDERR_FILENO) {
    self.format = format ?? (isatty(descriptor) == 1 ? .text : .json)
    self.descriptor = descriptor
  }

  /// Writes one line. A line that cannot be written is dropped: logging never stops the server.
  package func write(_ message: String, _ fields: Fields = [:]) {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    let line = Self.line(
      format, message, fields, seconds: time.tv_sec, milliseconds: time.tv_nsec / 1_000_000)
    let bytes = Array(line.utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }

  /// The line with its newline; `seconds` since 1970-01-01 UTC.
  package static func line(
    _ format: LogFormat, _ message: String, _ fields: Fields, seconds: Int, milliseconds: Int
  ) -> String {
    let time = Timestamp(seconds: seconds, milliseconds: milliseconds)
    switch format {
    case .text:
      let pairs = fields.map { " \($0.key)=\(text($0.value))" }.joined()
      return "\(time.clock) \(singleLine(message))\(pairs)\n"
    case .json:
      let pairs = fields.map { #","\#($0.key)":\#(json($0.value))"# }.joined()
      return #"{"time":"\#(time.iso8601)","message":\#(quoted(message))\#(pairs)}"# + "\n"
    }
  }

  private static func text(_ value: Value) -> String {
    switch value {
    case .text(let text):
      text.isEmpty || text.contains(where: { $0.isWhitespace || $0 == "\"" || $0 == "=" })
        ? quoted(text) : singleLine(text)
    case .integer(let integer): String(integer)
    case .number(let number): String(number)
    }
  }

  private static func json(_ value: Value) -> String {
    switch value {
    case .text(let text): quoted(text)
    case .integer(let integer): String(integer)
    case .number(let number): number.isFinite ? String(number) : "null"
    }
  }

  /// Without what could end the line or drive a terminal.
  private static func singleLine(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      result.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7f ? " " : scalar)
    }
    return result
  }

  /// A JSON string, RFC 8259, section 7.
  package static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        if scalar.value < 0x20 || scalar.value == 0x7f {
          let hex = String(scalar.value, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}
