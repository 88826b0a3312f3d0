/// Labels in a table of comma-separated values (RFC 4180), or with semicolons or tabs, whose header
/// names a column for the number of the class and one for its label.
struct LabelTable {
  /// Names of the columns, in order of preference.
  private static let indexNames = [
    "index", "idx", "class_index", "class_idx", "class_id", "classid", "label_index", "label_idx",
    "label_id", "id", "number", "target",
  ]
  private static let labelNames = [
    "label", "name", "class_name", "classname", "label_name", "display_name", "labels", "category",
    "class",
  ]

  private let separator: Character
  private let indexColumn: Int
  private let labelColumn: Int
  private let columnCount: Int

  /// Returns nil for a line that is not such a header.
  init?(header: Substring) {
    for separator: Character in [",", ";", "\t"] {
      guard let fields = Self.fields(header, separator), fields.count > 1 else { continue }
      let names = fields.map { $0.lowercased().replacing(" ", with: "_") }
      guard let index = Self.indexNames.lazy.compactMap({ names.firstIndex(of: $0) }).first,
        let label = Self.labelNames.lazy.compactMap({ names.firstIndex(of: $0) }).first
      else { continue }
      self.separator = separator
      (indexColumn, labelColumn, columnCount) = (index, label, fields.count)
      return
    }
    return nil
  }

  /// Returns the labels of the rows after the header, in order of their classes.
  func labels(_ lines: [Substring], path: String) throws(CheckpointError) -> [String] {
    guard lines.count > 1 else {
      throw .labels(path: path, line: 1, reason: "the table has a header and no row")
    }
    var items: [(index: Int, label: String)] = []
    for (row, line) in lines.enumerated().dropFirst() {
      guard let fields = Self.fields(line, separator), fields.count == columnCount else {
        throw .labels(
          path: path, line: row + 1,
          reason: "the row has not \(columnCount) fields, as the header has, or an open quote")
      }
      guard let index = Int(fields[indexColumn]) else {
        throw .labels(
          path: path, line: row + 1,
          reason: "the class's number is \"\(fields[indexColumn].prefix(20))\"")
      }
      items.append((index, fields[labelColumn]))
    }
    return try Labels.ordered(items, path: path) { $0 + 2 }
  }

  /// Returns the fields of a line without space around them; nil if a quote is not closed.
  private static func fields(_ line: Substring, _ separator: Character) -> [String]? {
    var fields: [String] = []
    var field = ""
    var isQuoted = false
    var rest = line.last == "\r" ? line.dropLast() : line
    while let character = rest.popFirst() {
      if isQuoted {
        guard character == "\"" else {
          field.append(character)
          continue
        }
        // A quote inside of quotes is written twice.
        if rest.first == "\"" { field.append(rest.removeFirst()) } else { isQuoted = false }
      } else if character == "\"", field[...].trimmingSpace.isEmpty {
        (field, isQuoted) = ("", true)
      } else if character == separator {
        fields.append(String(field[...].trimmingSpace))
        field = ""
      } else {
        field.append(character)
      }
    }
    guard !isQuoted else { return nil }
    return fields + [String(field[...].trimmingSpace)]
  }
}
