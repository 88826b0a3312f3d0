import Tables
import Words

/// Labels in a table of comma-separated values (RFC 4180), or with semicolons or tabs.
///
///     index,label         a header that names a column for the number of the class and one for
///     0,"cat, tabby"      its label, in any order, among others
///
///     0;cat               no header, if one of two columns has the numbers from 0 on
///
///     label               one column with the labels in order, in a file whose name says that it
///     cat                 is a table
struct LabelTable {
  /// Names of the columns, in order of preference; the last two are what pandas calls its own
  /// numbers of the rows.
  private static let indexNames = [
    "index", "idx", "class_index", "class_idx", "class_id", "classid", "label_index", "label_idx",
    "label_id", "id", "number", "target", "unnamed:_0", "",
  ]
  private static let labelNames = [
    "label", "name", "class_name", "classname", "label_name", "display_name", "labels", "category",
    "class",
  ]
  /// Further names of a column that is the only one.
  private static let loneNames = labelNames + ["names", "classes", "class_names", "categories"]
  /// Limit of rows, which take more memory than lines.
  private static let rowLimit = 1 << 20
  private static let endings = [".csv", ".tsv", ".tab"]

  private let path: String
  private let bytes: [UInt8]

  init(_ text: String, path: String) { (self.path, bytes) = (path, Array(text.utf8)) }

  /// Returns the labels in order of their classes, or nil if the text is no table but lines.
  func labels() throws(CheckpointError) -> [String]? {
    let isTable = Self.endings.contains { path.lowercased().hasSuffix($0) }
    var widest = 1
    for separator in CSVReader.separators {
      guard let header = try? rows(separator, limit: 1).first else { continue }
      let names = Self.names(header)
      widest = max(widest, names.count)
      if names.count == 2, names.contains(where: { Int($0) != nil }),
        let rows = try? rows(separator), let label = Self.labelColumn(rows)
      {
        return try numbered(rows[...], index: 1 - label, label: label, columnCount: 2)
      }
      guard names.count > 1,
        let index = Self.indexNames.lazy.compactMap({ names.firstIndex(of: $0) }).first,
        Self.labelNames.contains(where: names.contains)
      else { continue }
      let rows = try rows(separator)
      guard rows.count > 1 else { throw fail(line: 1, "the table has a header and no row") }
      return try numbered(
        rows.dropFirst(), index: index, label: labelColumn(names, index: index, rows.dropFirst()),
        columnCount: names.count)
    }
    guard isTable else {
      try checkFirstLine()
      return nil
    }
    guard widest == 1 else {
      throw fail(
        line: 1,
        "the table has \(widest) columns, and its first row does not name one for the class's "
          + "number and one for its label; write it, such as index,label, or leave one column, with "
          + "quotes around labels that hold a comma")
    }
    return try lone(rows(UInt8(ascii: ",")))
  }

  private static func names(_ row: CSVReader.Row) -> [String] {
    row.texts.map { $0.lowercased().replacingText(" ", with: "_") }
  }

  /// Refuses lines of which the first may be a header.
  private func checkFirstLine() throws(CheckpointError) {
    guard let first = try? rows(UInt8(ascii: ","), limit: 1).first,
      let name = first.texts.first, first.fields.count == 1,
      Self.loneNames.contains(Self.names(first)[0])
    else { return }
    throw fail(
      line: 1,
      "\"\(name)\" may be the header of a column or the first label; if it is a header, remove it or "
        + "give the file a name that ends in .csv, if it is a label, write the labels as a JSON list"
    )
  }

  /// Returns the column that holds labels by its name: the only one, or the only one of words.
  private func labelColumn(
    _ names: [String], index: Int, _ rows: ArraySlice<CSVReader.Row>
  ) throws(CheckpointError) -> Int {
    let columns = Self.labelNames.compactMap { names.firstIndex(of: $0) }.filter { $0 != index }
    // "label" may be a second name of the number, or the number of something else.
    let ofWords = columns.filter { column in
      !rows.allSatisfy { column < $0.fields.count && Int($0.texts[column]) != nil }
    }
    let found = ofWords.isEmpty ? columns : ofWords
    // Several columns may number the classes, if all do so alike.
    let numbers = rows.map { index < $0.fields.count ? Int($0.texts[index]) : nil }
    for (column, name) in names.enumerated()
    where column != index && (columns.contains(column) || Self.indexNames.contains(name)) {
      let others = rows.map { column < $0.fields.count ? Int($0.texts[column]) : nil }
      guard others != numbers, Set(others) == Set(rows.indices.map { $0 - rows.startIndex }) else {
        continue
      }
      throw fail(
        line: 1,
        "the columns \"\(names[index])\" and \"\(name)\" number the classes in two ways; leave one of them"
      )
    }
    guard found.count == 1 else {
      throw fail(
        line: 1,
        "the columns \(found.map { "\"\(names[$0])\"" }.joined(separator: ", ")) may all be the labels; "
          + "leave one of them, and one with the number of the class")
    }
    return found[0]
  }

  /// Returns the column of the labels of a table without a header: the other one has all numbers from
  /// 0 on. Nil if that does not tell.
  private static func labelColumn(_ rows: [CSVReader.Row]) -> Int? {
    guard rows.allSatisfy({ $0.fields.count == 2 }) else { return nil }
    let columns = [1, 0].filter { label in
      let numbers = rows.compactMap { Int($0.texts[1 - label]) }
      return numbers.count == rows.count && Set(numbers) == Set(0..<rows.count)
    }
    return columns.count == 1 ? columns[0] : nil
  }

  /// Returns the labels of rows with numbers.
  private func numbered(
    _ rows: ArraySlice<CSVReader.Row>, index: Int, label: Int, columnCount: Int
  ) throws(CheckpointError) -> [String] {
    var items: [(index: Int, label: String)] = []
    for row in rows {
      guard row.fields.count == columnCount else {
        throw fail(
          line: row.line, "fields in the row: \(row.fields.count), in the header: \(columnCount)")
      }
      let texts = row.texts
      guard let number = Int(texts[index]) else {
        throw fail(line: row.line, "the class's number is \"\(texts[index].prefix(20))\"")
      }
      items.append((number, texts[label]))
    }
    return try Labels.ordered(items, path: path) { rows[rows.startIndex + $0].line }
  }

  /// Returns the labels of a single column, whose first row may be a header.
  private func lone(_ rows: [CSVReader.Row]) throws(CheckpointError) -> [String] {
    let hasHeader = rows.first.map { Self.loneNames.contains(Self.names($0)[0]) } ?? false
    let rows = rows.dropFirst(hasHeader ? 1 : 0)
    guard !rows.isEmpty else { throw fail(line: 1, "the table has a header and no row") }
    var items: [(index: Int, label: String)] = []
    for (index, row) in rows.enumerated() {
      guard row.fields.count == 1 else {
        throw fail(
          line: row.line,
          "fields in the row: \(row.fields.count), in the first one: 1; put quotes around a label that "
            + "holds a comma")
      }
      items.append((index, row.texts[0]))
    }
    let lines = rows.map(\.line)
    return try Labels.ordered(items, path: path) { lines[$0] }
  }

  /// Returns rows without empty ones after the last.
  private func rows(
    _ separator: UInt8, limit: Int = .max
  ) throws(CheckpointError) -> [CSVReader.Row] {
    var reader = CSVReader(
      CSVReader.lines(of: bytes), separator: separator, trimsBlanks: true)
    var rows: [CSVReader.Row] = []
    do throws(TableError) {
      while rows.count < limit, let row = try reader.next() {
        guard !row.isOpen else {
          throw TableError(line: row.line, "a quote is opened and not closed")
        }
        rows.append(row)
        guard rows.count <= Self.rowLimit else {
          throw TableError(line: row.line, "the table has more than \(Self.rowLimit) rows")
        }
      }
    } catch {
      throw fail(line: error.line ?? 1, error.reason)
    }
    while rows.last?.isEmpty == true { rows.removeLast() }
    return rows
  }

  private func fail(line: Int, _ reason: String) -> CheckpointError {
    .labels(path: path, line: line, reason: reason)
  }
}
