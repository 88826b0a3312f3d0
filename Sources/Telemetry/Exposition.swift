/// Metrics as Prometheus reads them, in its text format 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats).
///
/// All of it is written into one buffer of bytes: a scrape has hundreds of lines, and a string for
/// each would cost more than everything else.
package struct Exposition {
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// Bytes that the buffer begins with, 64 KiB; an answer with a few models has less.
  private static let usualByteCount = 64 << 10

  package private(set) var bytes: [UInt8] = []
  private var names: Set<String> = []
  private var current: MetricDescription?
  private var isHeadWritten = false

  package init() { bytes.reserveCapacity(Self.usualByteCount) }

  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Begins a metric, which the following samples belong to; one without any is left out.
  ///
  /// Each name may come once.
  package mutating func begin(_ description: MetricDescription) {
    precondition(names.insert(description.name).inserted, "a metric must begin once")
    current = description
    isHeadWritten = false
  }

  /// Writes a metric of one sample, where there is a value.
  package mutating func single(
    _ description: MetricDescription, _ value: Int?, decimals: Int = 0
  ) {
    begin(description)
    if let value { sample([], value, decimals: decimals) }
  }

  /// Writes a sample.
  ///
  /// - Parameters:
  ///   - decimals: Decimal places of the value.
  ///   - suffix: End of the name of a histogram's part.
  package mutating func sample(
    _ labels: MetricLabelPairs, _ value: Int, decimals: Int = 0, suffix: String = ""
  ) {
    line(opening(Self.written(labels), suffix: suffix), [], value, decimals: decimals)
  }

  /// Makes the beginning of a sample's line, up to the last of the written labels, once for many
  /// lines.
  ///
  /// - Parameter isOpen: Whether a further label follows.
  func opening(_ labels: [UInt8], suffix: String, isOpen: Bool = false) -> [UInt8] {
    guard let current else { preconditionFailure("a metric must begin before its samples") }
    var start = Array(current.name.utf8)
    start += suffix.utf8
    if labels.isEmpty { return isOpen ? start + Array("{".utf8) : start }
    start.append(UInt8(ascii: "{"))
    start += labels
    start.append(isOpen ? UInt8(ascii: ",") : UInt8(ascii: "}"))
    return start
  }

  /// Writes one line: its beginning, the rest of its labels, and the value.
  mutating func line(_ start: [UInt8], _ rest: [UInt8], _ value: Int, decimals: Int = 0) {
    guard let current else { preconditionFailure("a metric must begin before its samples") }
    if !isHeadWritten { writeHead(of: current) }
    bytes.append(contentsOf: start)
    bytes.append(contentsOf: rest)
    bytes.append(UInt8(ascii: " "))
    Self.append(value, decimals: decimals, to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
  }

  private mutating func writeHead(of description: MetricDescription) {
    append("# HELP ")
    append(description.name)
    append(" ")
    Self.append(description.help, quotes: false, to: &bytes)
    append("\n# TYPE ")
    append(description.name)
    append(" ")
    append(description.kind.rawValue)
    append("\n")
    isHeadWritten = true
  }

  private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

  // MARK: Parts of a line

  /// Writes labels as they stand between the braces.
  static func written(_ labels: MetricLabelPairs) -> [UInt8] {
    var bytes: [UInt8] = []
    for (index, label) in labels.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: label.name.utf8)
      bytes.append(contentsOf: "=\"".utf8)
      append(label.value, quotes: true, to: &bytes)
      bytes.append(UInt8(ascii: "\""))
    }
    return bytes
  }

  /// Appends a whole number with the point moved to the left and no zeros at the end: exact, as no
  /// binary fraction is.
  static func append(_ value: Int, decimals: Int, to bytes: inout [UInt8]) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    var rest = value.magnitude
    var places = decimals
    while places > 0, rest.isMultiple(of: 10) {
      rest /= 10
      places -= 1
    }
    let start = bytes.count
    var written = 0
    repeat {
      if written == places, places > 0 { bytes.append(UInt8(ascii: ".")) }
      bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
      written += 1
    } while rest > 0 || written <= places
    // The digits came from the last to the first.
    bytes[start...].reverse()
  }

  /// Appends a value, with escapes for line ends, backslashes and, in labels, quotes, which would
  /// end it early.
  private static func append(_ text: String, quotes: Bool, to bytes: inout [UInt8]) {
    let isPlain = text.utf8.allSatisfy { byte in
      byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\"")
    }
    if isPlain {
      bytes.append(contentsOf: text.utf8)
      return
    }
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
      case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
      case UInt8(ascii: "\"") where quotes: bytes.append(contentsOf: "\\\"".utf8)
      default: bytes.append(byte)
      }
    }
  }
}
