import Tables
import Words

/// Labels in a table of comma-separated values (RFC 4180), or with semicolons or tabs.
///
///     index,label         a header that names a column for the number of the class and one for
///     0,"cat, tabby"      its label, in any order, among others
///
///     class,name          the same where a column that may be called so has the numbers
///     0,cat
///
///     0;cat               no header, if one of two columns has the numbers from 0 on
///
///     label               one column with the labels in order, in a file whose name says that it
///     cat                 is a table
struct LabelTable {
  /// Names of the columns, in order of preference; the last two are what pandas calls its own
  /// numbers of the rows.
  private static let indexNames = [
    "index", "idx", "class_index", "class_idx", "class_id", "classid", "class_number", "class_no",
    "label_index", "label_idx", "label_id", "label_number", "category_id", "category_index",
    "target_id", "target_index", "id", "number", "no", "nr", "target", "unnamed:_0", "",
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
      guard names.count > 1 else { continue }
      widest = max(widest, names.count)
      if names.count == 2, names.contains(where: { Int($0) != nil }),
        let rows = try? rows(separator), let label = Self.labelColumn(rows)
      {
        return try numbered(rows[...], index: 1 - label, label: label, columnCount: 2)
      }
      if let labels = try labels(under: names, separator) { return labels }
      if !isTable { try checkHeader(header, separator) }
    }
    guard isTable else {
      try checkFirstLine()
      return nil
    }
    guard widest == 1 else {
      throw fail(line: 1, "the table has \(widest) columns, \(Self.columnsUnknown)")
    }
    return try lone(rows(UInt8(ascii: ",")))
  }

  private static let columnsUnknown =
    "and its first row does not name one for the class's number and one for its label; write it, "
    + "such as index,label, or leave one column, with quotes around labels that hold a comma"

  /// Returns the labels of a table whose header names columns for numbers and labels; nil if it does
  /// not.
  private func labels(
    under names: [String], _ separator: UInt8
  ) throws(CheckpointError) -> [String]? {
    let isNamed = Self.indexNames.contains(where: names.contains)
    let labelCount = names.count(where: Self.labelNames.contains)
    // A class or a label may be its number, beside its name.
    let isKnown = isNamed ? labelCount > 0 : labelCount > 1
    guard isKnown || names.count == 2 && (isNamed || labelCount > 0) else { return nil }
    let all: [CSVReader.Row]
    do throws(CheckpointError) { all = try self.rows(separator) } catch {
      guard isKnown else { return nil }
      throw error
    }
    let rows = all.dropFirst()
    guard !rows.isEmpty || !isKnown else {
      throw fail(line: 1, "the table has a header and no row")
    }
    guard let index = Self.indexColumn(names, rows) else { return nil }
    let label: Int
    if isKnown {
      label = try labelColumn(names, index: index, rows)
    } else {
      // Whatever the only other column is called, unless it has numbers too.
      label = 1 - index
      guard Self.isNumbering(index, rows), Self.numbers(label, rows).contains(nil) else {
        return nil
      }
    }
    return try numbered(
      rows, index: index, label: label, columnCount: names.count, named: names[index])
  }

  private static func names(_ row: CSVReader.Row) -> [String] {
    row.texts.map {
      $0.lowercased().replacingText(" ", with: "_").replacingText("-", with: "_")
    }
  }

  /// Returns the numbers of a column, nil for what is none.
  private static func numbers(_ column: Int, _ rows: ArraySlice<CSVReader.Row>) -> [Int?] {
    rows.map { column < $0.fields.count ? Int($0.texts[column]) : nil }
  }

  /// Returns whether a column has the numbers of all rows from 0 on, in any order.
  private static func isNumbering(_ column: Int, _ rows: ArraySlice<CSVReader.Row>) -> Bool {
    !rows.isEmpty && Set(numbers(column, rows)) == Set(0..<rows.count)
  }

  /// Returns the column of the classes' numbers: the first that is called so and has numbers, or one
  /// that is called as labels are. Nil if there is none.
  private static func indexColumn(
    _ names: [String], _ rows: ArraySlice<CSVReader.Row>
  ) -> Int? {
    let named = indexNames.compactMap { names.firstIndex(of: $0) }
    func hasNumbers(_ column: Int) -> Bool { !numbers(column, rows).contains(nil) }
    let others = labelNames.compactMap { names.firstIndex(of: $0) }.filter(hasNumbers)
    return named.first(where: hasNumbers) ?? others.first { isNumbering($0, rows) }
      ?? others.first ?? named.first
  }

  /// Refuses lines that are a table of which the header is not understood: all fields of the first line
  /// are names of columns, or a column has the numbers of all other lines.
  private func checkHeader(
    _ header: CSVReader.Row, _ separator: UInt8
  ) throws(CheckpointError) {
    let known = Self.indexNames.dropLast() + Self.loneNames
    let isKnown = Self.names(header).allSatisfy(known.contains)
    let rows = try? rows(separator)
    let isNumbered =
      rows.map { rows in
        rows.count > 2 && rows.allSatisfy { $0.fields.count == header.fields.count }
          && header.fields.indices.contains { Self.isNumbering($0, rows.dropFirst()) }
      } ?? false
    guard isKnown || isNumbered else { return }
    throw fail(
      line: 1,
      "the lines are those of a table of \(header.fields.count) columns, \(Self.columnsUnknown)")
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
    let numbers = Self.numbers(index, rows)
    for (column, name) in names.enumerated()
    where column != index && (columns.contains(column) || Self.indexNames.contains(name)) {
      let others = Self.numbers(column, rows)
      guard others != numbers, Self.isNumbering(column, rows) else { continue }
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
  ///
  /// - Parameter name: Name of the column of numbers, if it has one.
  private func numbered(
    _ rows: ArraySlice<CSVReader.Row>, index: Int, label: Int, columnCount: Int,
    named name: String? = nil
  ) throws(CheckpointError) -> [String] {
    var items: [(index: Int, label: String)] = []
    for row in rows {
      guard row.fields.count == columnCount else {
        throw fail(
          line: row.line, "fields in the row: \(row.fields.count), in the header: \(columnCount)")
      }
      let texts = row.texts
      guard let number = Int(texts[index]) else {
        let column = name.map { "the column \"\($0.prefix(40))\" must have" } ?? "all must be"
        throw fail(
          line: row.line,
          "the class's number is \"\(texts[index].prefix(20))\"; \(column) whole numbers from 0 on, or "
            + "keep the column of the labels alone, in the order of the classes")
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
