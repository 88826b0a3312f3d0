/// Rows of separated values, read in bounded memory.
///
///     path,label            fields between commas, or what the separator is
///     "a,b.jpg","12"" cat"  quotes around a field that holds a separator, a quote or a line end
///
/// RFC 4180, and what programs write besides: either line end, a byte order mark at the front,
/// blanks around quotes.
package struct CSVReader: Sendable {
  package struct Row: Sendable, Hashable {
    package var fields: [[UInt8]]
    /// Line on which it begins, from 1.
    package var line: Int
    /// Whether a line end ends it; false only at the end of the file.
    package var isComplete: Bool

    /// Whether its line holds nothing.
    package var isEmpty: Bool { fields == [[]] }
    /// Whether it ends inside of quotes, which only the last row can; it has no fields then.
    package var isOpen: Bool { fields.isEmpty }
    /// Fields as text; bytes that are not UTF-8 become replacement characters.
    package var texts: [String] { fields.map { String(decoding: $0, as: UTF8.self) } }
  }

  /// Bytes of one row.
  package static let rowByteCountLimit = 16 << 20
  /// Separators that tables of other programs have.
  package static let separators = [UInt8(ascii: "\t"), UInt8(ascii: ";"), UInt8(ascii: ",")]

  private var reader: DelimitedReader
  private let separator: UInt8
  private let trimsBlanks: Bool
  private var line = 0

  /// - Parameters:
  ///   - reader: Lines, at their start.
  ///   - trimsBlanks: Whether blanks around fields without quotes are left out.
  package init(
    _ reader: DelimitedReader, separator: UInt8 = UInt8(ascii: ","), trimsBlanks: Bool = false
  ) {
    self.reader = reader
    self.separator = separator
    self.trimsBlanks = trimsBlanks
  }

  /// Reads an open file.
  package init(_ descriptor: CInt) { self.init(Self.lines(of: descriptor)) }

  /// Returns the lines of an open file, as this reads them.
  package static func lines(of descriptor: CInt) -> DelimitedReader {
    DelimitedReader(descriptor, delimiter: UInt8(ascii: "\n"), limit: rowByteCountLimit)
  }

  /// Returns the lines of bytes in memory, as this reads them.
  package static func lines(of bytes: [UInt8]) -> DelimitedReader {
    DelimitedReader(bytes, delimiter: UInt8(ascii: "\n"), limit: rowByteCountLimit)
  }

  /// Bytes of all rows that were returned.
  package var byteCount: Int { reader.byteCount }

  /// Returns the next row, or nil at the end.
  package mutating func next() throws(TableError) -> Row? {
    var parser = FieldParser(separator: separator, trimsBlanks: trimsBlanks)
    var row = Row(fields: [], line: line + 1, isComplete: false)
    var size = 0
    let isFirst = reader.byteCount == 0
    while let part = try reader.next() {
      line += 1
      let isMarked = isFirst && size == 0
      size += part.bytes.count + 1
      guard !part.isCut, size <= Self.rowByteCountLimit else {
        throw TableError(
          line: row.line, "the row has more than \(Self.rowByteCountLimit) bytes")
      }
      let bytes = isMarked ? ByteOrderMark.dropped(from: part.bytes) : part.bytes[...]
      if parser.take(bytes, isLineComplete: part.isComplete) {
        guard !parser.isMalformed else {
          throw TableError(line: row.line, "text stands after the end of a quoted field")
        }
        row.fields = parser.fields
        row.isComplete = part.isComplete
        return row
      }
    }
    return size == 0 ? nil : row
  }
}

/// The mark that some programs write before UTF-8.
enum ByteOrderMark {
  static func dropped(from bytes: [UInt8]) -> ArraySlice<UInt8> {
    bytes.dropFirst(bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0)
  }
}

/// Fields of a row, line by line.
private struct FieldParser {
  private enum State {
    case plain
    /// Between quotes.
    case quoted
    /// After a quote between quotes: their end, or half of one quote.
    case afterQuote
    /// After the end of quotes and a blank.
    case closed
  }

  private static let quote = UInt8(ascii: "\"")
  private static let blank = UInt8(ascii: " ")
  private static let carriageReturn = UInt8(ascii: "\r")

  let separator: UInt8
  let trimsBlanks: Bool
  private(set) var fields: [[UInt8]] = []
  private(set) var isMalformed = false
  private var field: [UInt8] = []
  private var state = State.plain

  init(separator: UInt8, trimsBlanks: Bool) {
    (self.separator, self.trimsBlanks) = (separator, trimsBlanks)
  }

  /// Takes a line; returns whether it ends the row.
  mutating func take(_ line: ArraySlice<UInt8>, isLineComplete: Bool) -> Bool {
    for byte in line { take(byte) }
    guard state == .quoted else {
      // Half of the line's end.
      if state == .plain, field.last == Self.carriageReturn { field.removeLast() }
      endField()
      return true
    }
    if isLineComplete { field.append(UInt8(ascii: "\n")) }
    return false
  }

  private mutating func take(_ byte: UInt8) {
    switch state {
    case .quoted:
      if byte == Self.quote { state = .afterQuote } else { field.append(byte) }
    case .afterQuote where byte == Self.quote:
      field.append(byte)
      state = .quoted
    case _ where byte == separator: endField()
    case .afterQuote, .closed:
      state = .closed
      if byte != Self.blank, byte != Self.carriageReturn { isMalformed = true }
    case .plain:
      if byte == Self.quote, field.allSatisfy({ $0 == Self.blank }) {
        (field, state) = ([], .quoted)
      } else {
        field.append(byte)
      }
    }
  }

  private mutating func endField() {
    if trimsBlanks, state == .plain {
      let start = field.firstIndex { $0 != Self.blank } ?? field.endIndex
      let end = field.lastIndex { $0 != Self.blank }.map { $0 + 1 } ?? start
      field = Array(field[start..<end])
    }
    fields.append(field)
    (field, state) = ([], .plain)
  }
}
