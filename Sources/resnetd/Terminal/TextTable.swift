/// Rows of text in columns, two spaces apart.
struct TextTable {
  var rows: [[String]]
  /// Columns that are aligned right, such as numbers.
  var rightAligned: Set<Int> = []

  /// Lines without a final newline or trailing spaces.
  var text: String {
    let columnCount = rows.map(\.count).max() ?? 0
    let widths = (0..<columnCount).map { column in
      rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        let isLast = column == row.count - 1
        if column > 0 { line += "  " }
        if rightAligned.contains(column) {
          line += padding + cell
        } else {
          line += cell + (isLast ? "" : padding)
        }
      }
      return line
    }.joined(separator: "\n")
  }
}
