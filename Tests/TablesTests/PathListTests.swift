import Tables
import Testing

/// Lists of paths.
@Suite struct PathListTests {
  private func paths(_ text: String, isNULSeparated: Bool = false) throws -> [String] {
    var list = PathList(Array(text.utf8), isNULSeparated: isNULSeparated)
    var paths: [String] = []
    while let path = try list.next() { paths.append(String(decoding: path, as: UTF8.self)) }
    return paths
  }

  @Test("Lines or NUL separate paths")
  func separators() throws {
    #expect(try paths("\u{feff}a.jpg\r\n\nb c.jpg") == ["a.jpg", "b c.jpg"])
    #expect(try paths("a\nb\0\0c", isNULSeparated: true) == ["a\nb", "c"])
    #expect(throws: TableError("NUL is between its paths: give --null as well")) {
      try paths("a\0b\n")
    }
  }

  @Test("A list in units of two bytes is refused with the name of its encoding")
  func wide() {
    var list = PathList([0xff, 0xfe, 0x61, 0, 0x0a, 0], isNULSeparated: false)
    let error = #expect(throws: TableError.self) { try list.next() }
    #expect(error?.description.contains("text in UTF-16, and is read as UTF-8") == true)
  }

  @Test("A path has the length that the system allows")
  func length() throws {
    let longest = String(repeating: "a", count: PathList.pathByteCountLimit)
    #expect(try paths(longest) == [longest])
    let error = #expect(throws: TableError.self) { try paths(longest + "a") }
    #expect(error?.description.hasPrefix("a path is longer than 4096 bytes: \"aaa") == true)
  }
}
