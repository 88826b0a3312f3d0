/// Lines of a log, put together byte by byte in one buffer: a server writes one for each request.
///
///     text: 2026-01-31T12:00:00.000Z info    message key=value
///     JSON: {"time":"2026-01-31T12:00:00.000Z","level":"info","message":"message","key":"value"}
struct LogLines {
  /// Bytes that the first line finds room for.
  private static let firstByteCount = 512

  private(set) var bytes: [UInt8] = []

  mutating func append(
    _ format: LogFormat, _ time: Timestamp, milliseconds: Int, _ message: String,
    _ level: LogLevel, _ fields: Log.Fields
  ) {
    if bytes.isEmpty { bytes.reserveCapacity(Self.firstByteCount) }
    switch format {
    case .text:
      append(time.iso8601)
      appendFraction(milliseconds)
      append("Z ")
      append(level.column)
      appendSingleLine(message)
      for (key, value) in fields {
        append(" ")
        append(key)
        append("=")
        appendText(value)
      }
    case .json:
      append(#"{"time":""#)
      append(time.iso8601)
      appendFraction(milliseconds)
      append(#"Z","level":""#)
      append(level.rawValue)
      append(#"","message":"#)
      appendQuoted(message)
      for (key, value) in fields {
        append(#",""#)
        append(key)
        append(#"":"#)
        appendJSON(value)
      }
      append("}")
    }
    append("\n")
  }

  private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

  /// Appends a point and three digits.
  private mutating func appendFraction(_ thousandths: Int) {
    bytes.append(UInt8(ascii: "."))
    for divisor in [100, 10, 1] {
      bytes.append(UInt8(ascii: "0") + UInt8(thousandths / divisor % 10))
    }
  }

  private mutating func appendText(_ value: Log.Value) {
    guard case .text(let text) = value else {
      appendJSON(value)
      return
    }
    let isPlain =
      !text.isEmpty
      && text.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
    if isPlain { appendSingleLine(text) } else { appendQuoted(text) }
  }

  private mutating func appendJSON(_ value: Log.Value) {
    switch value {
    case .text(let text): appendQuoted(text)
    case .integer(let integer): append(String(integer))
    case .thousandths(let count):
      if count < 0 { append("-") }
      append(String(count.magnitude / 1000))
      appendFraction(Int(count.magnitude % 1000))
    }
  }

  /// Appends a string without bytes that could end the line or drive a terminal.
  private mutating func appendSingleLine(_ text: String) {
    for byte in text.utf8 { bytes.append(Self.isControl(byte) ? UInt8(ascii: " ") : byte) }
  }

  private mutating func appendQuoted(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case UInt8(ascii: "\n"): append("\\n")
      case UInt8(ascii: "\r"): append("\\r")
      case UInt8(ascii: "\t"): append("\\t")
      case _ where Self.isControl(byte):
        append("\\u00")
        append((byte < 16 ? "0" : "") + String(byte, radix: 16))
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7f }
}
