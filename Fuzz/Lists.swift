import Tables

/// Fuzzes any bytes as the lists and tables that commands read: paths of images, paths with classes,
/// rows of values.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzLists(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  // Errors are the expected end of many inputs; a crash, a hang or a leak is not.
  for isNULSeparated in [false, true] { try? readPaths(bytes, isNULSeparated) }
  for isTable in [false, true] {
    for isClass in [false, true] { try? readLabelled(bytes, isTable: isTable, isClass: isClass) }
  }
  for separator in CSVReader.separators {
    for trims in [false, true] { try? readRows(bytes, separator, trims: trims) }
  }
  return 0
}

private func readPaths(_ bytes: [UInt8], _ isNULSeparated: Bool) throws {
  var list = PathList(bytes, isNULSeparated: isNULSeparated)
  var sum = 0
  while let path = try list.next() {
    precondition(
      (1...PathList.pathByteCountLimit).contains(path.count), "a path must be within its limit")
    sum += path.count
  }
  precondition(sum <= bytes.count, "paths must come from the list")
}

private func readLabelled(_ bytes: [UInt8], isTable: Bool, isClass: Bool) throws {
  var list = try LabelledPaths(
    CSVReader.lines(of: bytes), isTable: isTable, isClass: { _ in isClass })
  var sum = 0
  while let row = try list.next() {
    precondition(!row.path.isEmpty, "a row must have a path")
    sum += row.path.count
  }
  precondition(sum <= bytes.count, "paths must come from the list")
}

/// Rows that are read must be read again if they are written, and end where the bytes do.
private func readRows(_ bytes: [UInt8], _ separator: UInt8, trims: Bool) throws {
  var reader = CSVReader(CSVReader.lines(of: bytes), separator: separator, trimsBlanks: trims)
  var line = 0
  while let row = try reader.next() {
    precondition(row.line > line, "rows must follow each other")
    line = row.line
    guard !row.isOpen else { continue }
    let texts = row.texts
    // Not the first row, before which a byte order mark is no part of it.
    var again = CSVReader(CSVReader.lines(of: CSV.row(["file"]) + CSV.row(texts)))
    _ = try again.next()
    let written = try again.next()?.texts
    precondition(written == texts, "a row that is written must be readable")
  }
  precondition(reader.byteCount == bytes.count, "every byte must be read")
}
