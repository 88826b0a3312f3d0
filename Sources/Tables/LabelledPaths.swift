import Words

/// Paths of images and names of their classes from a list of one of the usual forms.
///
///     val/ILSVRC2012_val_00000001.JPEG 65     a path, a blank and a class, as ImageNet's val.txt has
///     a b.jpg;cat                             two columns between commas, semicolons or tabs
///     label,file                              or a header that names a column for each, in any
///     "cat, tabby",a.jpg                      order, among others
///     path,label,split                        among them one that says what an image is for
///     a.jpg,cat,train
///
/// The first line decides which it is. If it can be read in several ways, the class that comes out
/// must be one that the model has; if that does not decide either, the list is refused.
package struct LabelledPaths: Sendable {
  package struct Row: Sendable, Hashable {
    package var path: [UInt8]
    package var label: String
    /// What the list says that the image is for, such as `train`; nil if no column has it.
    package var part: String?
    /// Line of the list that the row begins in, from 1.
    package var line: Int
  }

  /// Places of the columns that count.
  private struct Columns: Sendable {
    var path: Int
    var label: Int
    var part: Int?
    /// Columns that each row must have.
    var count: Int
  }

  private enum Form: Sendable {
    case lines(DelimitedReader)
    case table(CSVReader, Columns)
  }

  private static let pathNames = [
    "path", "file", "filename", "file_name", "fname", "image", "image_path", "image_name",
  ]
  private static let labelNames = [
    "label", "labels", "class", "class_name", "tags", "target", "category", "class_id", "label_id",
    "class_index", "synset", "wnid",
  ]
  private static let partNames = ["split", "subset", "partition", "set", "part"]
  /// Bytes of a line that is a path, a blank and a class.
  private static let lineByteCountLimit = 2 * PathList.pathByteCountLimit
  private static let blank = UInt8(ascii: " ")

  private var form: Form
  private var line = 0

  /// Finds the form, from the lines of a regular file or bytes in memory.
  ///
  /// - Parameters:
  ///   - lines: As `CSVReader.lines` gives them.
  ///   - isTable: Whether the list's name says that it is a table, so that a blank separates nothing.
  ///   - isClass: Whether a name is that of a class.
  package init(
    _ lines: DelimitedReader, isTable: Bool, isClass: (String) -> Bool
  ) throws(TableError) {
    try Self.checkEncoding(lines)
    let readings = Self.readings(of: lines)
    for reading in readings {
      guard let columns = Self.columns(of: reading.row.texts) else { continue }
      var reader = Self.reader(lines, reading.separator)
      _ = Self.firstRow(&reader)
      form = .table(reader, columns)
      return
    }
    var pairs = readings.filter { $0.row.fields.count == 2 && !$0.row.fields.contains([]) }
    let blankPair = try Self.blankPair(lines)
    // A tab can be neither in a label nor, sensibly, in a path.
    if let tabbed = pairs.first(where: { $0.separator == UInt8(ascii: "\t") }) { pairs = [tabbed] }
    var usesBlank =
      blankPair != nil && pairs.first?.separator != UInt8(ascii: "\t")
      && (!isTable || readings.isEmpty)
    if pairs.count + (usesBlank ? 1 : 0) > 1 {
      pairs = pairs.filter { isClass($0.row.texts[1]) }
      usesBlank = usesBlank && isClass(blankPair?.label ?? "")
      guard pairs.count + (usesBlank ? 1 : 0) == 1 else { throw Self.ambiguous }
    }
    if let pair = pairs.first {
      form = .table(Self.reader(lines, pair.separator), Columns(path: 0, label: 1, count: 2))
    } else if usesBlank {
      var lines = lines
      lines.restart()
      form = .lines(lines)
    } else {
      throw Self.fault(of: readings)
    }
  }

  /// Returns the next row, or nil at the end.
  package mutating func next() throws(TableError) -> Row? {
    switch form {
    case .lines(var reader):
      defer { form = .lines(reader) }
      guard let pair = try Self.nextPair(&reader, &line) else { return nil }
      return Row(path: pair.path, label: try Self.text(pair.label, line), line: line)
    case .table(var reader, let columns):
      defer { form = .table(reader, columns) }
      while let row = try reader.next() {
        if row.isEmpty { continue }
        guard !row.isOpen else {
          throw TableError(line: row.line, "a quote is opened and not closed")
        }
        guard row.fields.count == columns.count else {
          throw TableError(
            line: row.line,
            "\(row.fields.count) fields, \(columns.count) are expected; put quotes around a field "
              + "that holds the separator")
        }
        guard !row.fields[columns.path].isEmpty else {
          throw TableError(line: row.line, "the path is empty")
        }
        var part: String?
        if let place = columns.part { part = try Self.text(row.fields[place][...], row.line) }
        return try Row(
          path: row.fields[columns.path],
          label: Self.text(row.fields[columns.label][...], row.line), part: part, line: row.line)
      }
      return nil
    }
  }

  /// Returns the next line as a path, a blank and a class; nil at the end.
  private static func nextPair(
    _ reader: inout DelimitedReader, _ line: inout Int
  ) throws(TableError) -> (path: [UInt8], label: ArraySlice<UInt8>)? {
    while let part = try reader.next() {
      line += 1
      var bytes = line == 1 ? ByteOrderMark.dropped(from: part.bytes) : part.bytes[...]
      while let last = bytes.last, last == blank || last == UInt8(ascii: "\r") {
        bytes.removeLast()
      }
      if bytes.isEmpty { continue }
      guard !part.isCut, bytes.count <= lineByteCountLimit, let place = bytes.lastIndex(of: blank),
        place > bytes.startIndex
      else { throw TableError(line: line, "a path, a blank and a class must be there") }
      // More blanks between the two are no part of the path.
      var path = bytes[..<place]
      while path.last == blank { path.removeLast() }
      guard !path.isEmpty else { throw TableError(line: line, "the path is empty") }
      return (Array(path), bytes[(place + 1)...])
    }
    return nil
  }

  /// Returns a class's or a part's name; a path may have any bytes, as a file's name may.
  private static func text(
    _ bytes: ArraySlice<UInt8>, _ line: Int
  ) throws(TableError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw TableError(
        line: line,
        "\"\(String(decoding: bytes.prefix(60), as: UTF8.self))\" is not UTF-8, which the list must "
          + "be in: \(ByteText.remedy)")
    }
    return text
  }
}

// MARK: The form

extension LabelledPaths {
  /// The first row as a separator divides it.
  private struct Reading {
    let separator: UInt8
    let row: CSVReader.Row
  }

  private static func reader(_ lines: DelimitedReader, _ separator: UInt8) -> CSVReader {
    var lines = lines
    lines.restart()
    return CSVReader(lines, separator: separator, trimsBlanks: true)
  }

  /// Throws if it is not text whose units are bytes.
  private static func checkEncoding(_ lines: DelimitedReader) throws(TableError) {
    var lines = lines
    lines.restart()
    guard let part = try lines.next(), let encoding = WideText.encoding(likelyIn: part.bytes)
    else { return }
    throw TableError(WideText.refusal(of: encoding))
  }

  /// Returns the readings of the first row by separators that it has.
  private static func readings(of lines: DelimitedReader) -> [Reading] {
    CSVReader.separators.compactMap { separator in
      var reader = reader(lines, separator)
      guard let row = firstRow(&reader), row.fields.count > 1 else { return nil }
      return Reading(separator: separator, row: row)
    }
  }

  /// Returns the first row that is not empty, or nil if there is none by this separator.
  private static func firstRow(_ reader: inout CSVReader) -> CSVReader.Row? {
    while let row = try? reader.next() {
      if !row.isEmpty { return row }
    }
    return nil
  }

  /// Returns the places of the columns if a row names those that must be there.
  private static func columns(of texts: [String]) -> Columns? {
    let names = texts.map { $0.lowercased().replacingText(" ", with: "_") }
    guard let path = pathNames.lazy.compactMap({ names.firstIndex(of: $0) }).first,
      let label = labelNames.lazy.compactMap({ names.firstIndex(of: $0) }).first
    else { return nil }
    let part = partNames.lazy.compactMap { names.firstIndex(of: $0) }.first
    return Columns(path: path, label: label, part: part, count: texts.count)
  }

  /// Returns the first line as a path, a blank and a class; nil if it is not, or looks like fields.
  private static func blankPair(
    _ lines: DelimitedReader
  ) throws(TableError) -> (path: [UInt8], label: String)? {
    var (lines, line) = (lines, 0)
    lines.restart()
    do throws(TableError) {
      guard let row = try nextPair(&lines, &line), let last = row.path.last else { return nil }
      let isQuoted = row.path.first == UInt8(ascii: "\"")
      return isQuoted || CSVReader.separators.contains(last)
        ? nil : (row.path, String(decoding: row.label, as: UTF8.self))
    } catch {
      // Not of this form; what the system says is told by whoever reads next.
      if error.line == nil { throw error }
      return nil
    }
  }

  private static let ambiguous = TableError(
    "its first line can be divided into a path and a class in several ways; give it a header such "
      + "as path;label, or put a tab between the two, or quotes around each")

  private static func fault(of readings: [Reading]) -> TableError {
    guard let reading = readings.first else {
      return TableError(
        line: 1,
        "a path, a blank and a class must be there, or two columns between commas, semicolons or "
          + "tabs")
    }
    return TableError(
      "the first line has \(reading.row.fields.count) columns: it must name a column of "
        + "\(pathNames.joined(separator: ", ")) and one of \(labelNames.joined(separator: ", ")), "
        + "or there must be two columns")
  }
}
