import Tables
import Testing

/// Lists of images and classes, of every form.
@Suite struct LabelledPathsTests {
  private func rows(_ text: String, isTable: Bool = false) throws -> [String] {
    var list = try LabelledPaths(
      CSVReader.lines(of: Array(text.utf8)), isTable: isTable,
      isClass: { ["cat", "tabby cat", "5", "6"].contains($0) })
    var rows: [String] = []
    while let row = try list.next() {
      rows.append("\(String(decoding: row.path, as: UTF8.self))|\(row.label)")
    }
    return rows
  }

  @Test(
    "Each form gives the same rows",
    arguments: [
      "a.jpg 5\nb.jpg cat\n", "\u{feff}a.jpg 5\r\n\r\nb.jpg cat\r\n", "a.jpg;5\nb.jpg;cat",
      "a.jpg,5\nb.jpg,cat", "a.jpg\t5\nb.jpg\tcat\n", "path;label\na.jpg;5\nb.jpg;cat\n",
      "Label\tsplit\tFile Name\n5\ttest\ta.jpg\ncat\ttest\tb.jpg\n",
      "\u{feff}\"image\",\"class\"\n\"a.jpg\",5\n\"b.jpg\",\"cat\"\n",
      " a.jpg , 5 \n\nb.jpg, cat\n",
      "a.jpg  5\nb.jpg   cat",
    ])
  func forms(text: String) throws {
    #expect(try rows(text) == ["a.jpg|5", "b.jpg|cat"])
  }

  @Test("A column may say what an image is for; without one nothing does")
  func parts() throws {
    func parts(_ text: String) throws -> [String?] {
      var list = try LabelledPaths(
        CSVReader.lines(of: Array(text.utf8)), isTable: true, isClass: { _ in false })
      var parts: [String?] = []
      while let row = try list.next() { parts.append(row.part) }
      return parts
    }
    #expect(try parts("split,path,tags\ntrain,a,x\nVal,b,\n") == ["train", "Val"])
    #expect(try parts("path,label,size\na,x,3\n") == [nil])
    #expect(try parts("a.jpg,x\n") == [nil])
  }

  @Test("Paths and labels may have blanks and separators where one reading alone gives a class")
  func several() throws {
    #expect(try rows("my a,b.jpg 5\nc.jpg 6") == ["my a,b.jpg|5", "c.jpg|6"])
    #expect(try rows("a b.jpg;5\n") == ["a b.jpg|5"])
    #expect(try rows("a,b.jpg;5\n", isTable: true) == ["a,b.jpg|5"])
    #expect(try rows("a b.jpg,some dog\n", isTable: true) == ["a b.jpg|some dog"])
    #expect(try rows("a b, c.jpg\ttabby cat\n") == ["a b, c.jpg|tabby cat"])
    #expect(try rows("\"a,b.jpg\",\"some, dog\"\n") == ["a,b.jpg|some, dog"])
  }

  @Test(
    "A list that may be read in several ways is refused",
    arguments: [
      // Both "tabby cat" and "cat" are classes.
      ("a.jpg,tabby cat\n", false), ("a b.jpg,dog\n", false), ("a,b.jpg;dog\n", true),
    ])
  func ambiguous(text: String, isTable: Bool) {
    let error = #expect(throws: TableError.self) { try rows(text, isTable: isTable) }
    #expect(error?.description.contains("in several ways; give it a header") == true)
  }

  @Test(
    "A list in units of two or four bytes is refused with the name of its encoding",
    arguments: [
      ([0xff, 0xfe], 2, false, "UTF-16"), ([0xfe, 0xff], 2, true, "UTF-16"),
      ([], 2, false, "UTF-16LE"), ([], 2, true, "UTF-16BE"),
      ([0xff, 0xfe, 0, 0], 4, false, "UTF-32"),
    ])
  func encodings(mark: [UInt8], size: Int, isBigEndian: Bool, name: String) {
    let zeros = [UInt8](repeating: 0, count: size - 1)
    let text = "a.jpg,5\r\nb.jpg,6\r\n".utf8.flatMap { isBigEndian ? zeros + [$0] : [$0] + zeros }
    let error = #expect(throws: TableError.self) {
      try LabelledPaths(CSVReader.lines(of: mark + text), isTable: true, isClass: { _ in true })
    }
    #expect(
      error?.description.contains(
        "it is text in \(name), and is read as UTF-8: save it as UTF-8, or convert it by `iconv -f "
          + "\(name) -t UTF-8") == true, "\(error?.description ?? "")")
  }

  @Test(
    "A class or a part in an encoding other than UTF-8 is refused with its line",
    arguments: [
      ("a.jpg 5\nb.jpg K\u{e4}tzchen\n", false, 2),
      ("path,label\nb.jpg,K\u{e4}tzchen\n", true, 2),
      ("path,label,split\na.jpg,5,f\u{fc}r\n", true, 2),
      ("a.jpg K\u{e4}tzchen\nb.jpg 5\n", false, 1), ("a.jpg;K\u{e4}tzchen\n", false, 1),
    ])
  func latin(text: String, isTable: Bool, line: Int) {
    let bytes = text.unicodeScalars.map { UInt8($0.value) }
    let error = #expect(throws: TableError.self) {
      var list = try LabelledPaths(
        CSVReader.lines(of: bytes), isTable: isTable, isClass: { _ in true })
      while try list.next() != nil {}
    }
    #expect(error?.line == line)
    #expect(
      error?.reason.contains(
        "is not UTF-8, which the list must be in: save it as UTF-8, or convert it by `iconv -f LATIN1 "
          + "-t UTF-8") == true, "\(error?.description ?? "")")
  }

  @Test("A path may have any bytes, as a file's name may")
  func pathBytes() throws {
    let name: [UInt8] = [0x4b, 0xe4, 0x2e, 0x6a, 0x70, 0x67]
    for separator in ["\t", " "] {
      var list = try LabelledPaths(
        CSVReader.lines(of: name + Array("\(separator)5\n".utf8)), isTable: false,
        isClass: { _ in true })
      #expect(try list.next()?.path == name)
    }
  }

  @Test(
    "Faults are told with their lines",
    arguments: [
      ("a.jpg\n", "line 1: a path, a blank and a class must be there, or two columns"),
      ("a.jpg 5\nb.jpg\n", "line 2: a path, a blank and a class must be there"),
      ("a.jpg;5\nb.jpg,6\n", "line 2: 1 fields, 2 are expected"),
      ("a.jpg,5\nb,c.jpg,6\n", "line 2: 3 fields, 2 are expected; put quotes"),
      ("path,label\n,5\n", "line 2: the path is empty"),
      ("path,label\n\"a,5\n", "line 2: a quote is opened and not closed"),
      ("img;cls;split\na;5;x\n", "the first line has 3 columns: it must name a column of path"),
    ])
  func faults(text: String, expected: String) {
    let error = #expect(throws: TableError.self) { try rows(text) }
    #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "")")
  }
}
