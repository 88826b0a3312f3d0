/// Rows of comma-separated values as in RFC 4180, read in bounded memory; a row may end with either
/// line end.
struct CSVReader {
  struct Row {
    var fields: [[UInt8]]
    /// Line on which it begins, from 1.
    var line: Int
    /// Whether a line end ends it; false only at the end of the file.
    var isComplete: Bool
  }

  /// Bytes of one row.
  static let rowByteCountLimit = 16 << 20

  private var reader: DelimitedReader
  private let separator: UInt8
  private var line = 0

  init(_ descriptor: CInt, separator: UInt8 = UInt8(ascii: ",")) {
    reader = DelimitedReader(
      descriptor, delimiter: UInt8(ascii: "\n"), limit: Self.rowByteCountLimit)
    self.separator = separator
  }

  /// Bytes of all rows that were returned.
  var byteCount: Int { reader.byteCount }

  /// Returns the next row, or nil at the end; a row whose quotes never end is not complete.
  mutating func next() throws(Failure) -> Row? {
    var parser = FieldParser(separator: separator)
    var row = Row(fields: [], line: line + 1, isComplete: false)
    var size = 0
    while let part = try reader.next() {
      line += 1
      size += part.bytes.count + 1
      guard !part.isCut, size <= Self.rowByteCountLimit else {
        throw Failure("line \(row.line): the row has more than \(Self.rowByteCountLimit) bytes")
      }
      if parser.take(part.bytes, isLineComplete: part.isComplete) {
        guard !parser.isMalformed else {
          throw Failure("line \(row.line): text stands after the end of a quoted field")
        }
        row.fields = parser.fields
        row.isComplete = part.isComplete
        return row
      }
    }
    return size == 0 ? nil : row
  }
}

/// Fields of a row, line by line.
private struct FieldParser {
  let separator: UInt8
  private(set) var fields: [[UInt8]] = []
  private(set) var isMalformed = false
  private var field: [UInt8] = []
  private var isQuoted = false
  /// Whether the last byte was a quote inside of quotes: their end, or half of one quote.
  private var isAfterQuote = false
  private var wasQuoted = false

  init(separator: UInt8) { self.separator = separator }

  /// Takes a line; returns whether it ends the row.
  mutating func take(_ line: [UInt8], isLineComplete: Bool) -> Bool {
    for byte in line { take(byte) }
    guard isQuoted, !isAfterQuote else {
      if isLineComplete, field.last == UInt8(ascii: "\r"), !wasQuoted { field.removeLast() }
      endField()
      return true
    }
    if isLineComplete { field.append(UInt8(ascii: "\n")) }
    return false
  }

  private mutating func take(_ byte: UInt8) {
    let isQuote = byte == UInt8(ascii: "\"")
    if isQuoted, !isAfterQuote {
      if isQuote { isAfterQuote = true } else { field.append(byte) }
    } else if isAfterQuote, isQuote {
      field.append(byte)
      isAfterQuote = false
    } else if byte == separator {
      endField()
    } else if isAfterQuote {
      // Half of the line's end.
      if byte != UInt8(ascii: "\r") { isMalformed = true }
    } else if isQuote, field.isEmpty {
      (isQuoted, wasQuoted) = (true, true)
    } else {
      field.append(byte)
    }
  }

  private mutating func endField() {
    fields.append(field)
    field = []
    (isQuoted, isAfterQuote, wasQuoted) = (false, false, false)
  }
}
