import Tables
import Testing

/// Rows of separated values.
@Suite struct CSVReaderTests {
  private func rows(
    _ text: String, separator: Character = ",", trims: Bool = false
  ) throws -> [[String]] {
    let lines = CSVReader.lines(of: Array(text.utf8))
    var reader = CSVReader(lines, separator: separator.asciiValue ?? 0, trimsBlanks: trims)
    var rows: [[String]] = []
    while let row = try reader.next() { rows.append(row.texts) }
    return rows
  }

  @Test(
    "Fields are those of RFC 4180, with either line end",
    arguments: [
      ("a,b\nc,d\n", [["a", "b"], ["c", "d"]]), ("a,b\r\nc,d", [["a", "b"], ["c", "d"]]),
      ("\u{feff}a,b\n", [["a", "b"]]), ("\"a,b\",\"c\"\"d\"\n", [["a,b", "c\"d"]]),
      ("\"a\nb\",\"c\r\nd\"\r\n", [["a\nb", "c\r\nd"]]), ("\n", [[""]]), ("", []),
      ("a \"b\",c\n", [["a \"b\"", "c"]]), (" a , \"b\" ,c\n", [[" a ", "b", "c"]]),
      ("a,\n,\n", [["a", ""], ["", ""]]),
    ])
  func fields(text: String, expected: [[String]]) throws {
    #expect(try rows(text) == expected)
  }

  @Test("Blanks around fields go if that is wanted, but not inside of quotes")
  func blanks() throws {
    #expect(
      try rows(" a ; \" b \" ;  \n", separator: ";", trims: true) == [["a", " b ", ""]])
  }

  @Test(
    "Text after quotes is an error with its line",
    arguments: ["a,b\n\"c\"d,e\n", "a,b\n\"c\" \"d\",e\n", "a,b\n\"c\" d,e\n"])
  func malformed(text: String) {
    #expect(throws: TableError(line: 2, "text stands after the end of a quoted field")) {
      try rows(text)
    }
  }

  @Test("A quote that never ends leaves a row without fields")
  func open() throws {
    #expect(try rows("a\n\"b\nc") == [["a"], []])
  }

  @Test("What is written is read again")
  func written() throws {
    let fields = ["", "a b", "c,d", "\"e\"", "f\ng", "h\r\ni", " j", "k;l"]
    var reader = CSVReader(CSVReader.lines(of: CSV.row(fields)))
    #expect(try reader.next()?.texts == fields)
  }
}
