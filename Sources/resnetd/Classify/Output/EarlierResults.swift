import Files
import Glibc
import JSON
import Tables

/// Rows of an earlier run, with which `--resume` goes on.
struct EarlierResults: Sendable {
  /// Rows that a file may have.
  private static let rowLimit = 1 << 26
  /// Bytes of an end that no row completes: more are not the rest of one write but damage.
  private static let unfinishedByteLimit = 1 << 20

  /// Hashes of the names in the rows, sorted: names themselves would take several times the memory.
  private var hashes: [UInt128] = []
  private(set) var failureCount = 0
  /// Bytes of all complete rows of the file that was read last.
  private(set) var byteCount = 0

  var count: Int { hashes.count }

  init() {}

  /// Reads the rows of an open file, whose next byte is its first one.
  ///
  /// - Throws: The reason why these rows are not of the run that `rows` writes.
  init(_ descriptor: CInt, _ path: String, like rows: ResultRows) throws(Failure) {
    try take(CSVReader.lines(of: descriptor), path, rows)
    hashes.sort()
  }

  /// Reads the rows of whole files, one after the other.
  ///
  /// - Parameters:
  ///   - names: Their names for errors.
  ///   - read: Returns the bytes of one of them by its place in the names.
  init(
    _ names: [String], like rows: ResultRows, read: (Int) throws(Failure) -> [UInt8]
  ) throws(Failure) {
    for (index, name) in names.enumerated() {
      let bytes = try read(index)
      try take(CSVReader.lines(of: bytes), name, rows)
      guard byteCount == bytes.count else {
        throw Failure("\(name): its last row has no end: the part is damaged; remove it")
      }
    }
    hashes.sort()
  }

  private mutating func take(
    _ lines: DelimitedReader, _ path: String, _ rows: ResultRows
  ) throws(Failure) {
    byteCount = 0
    do {
      if rows.format == .csv {
        try readTable(lines, rows)
      } else {
        try readLines(lines, rows)
      }
    } catch let error as Failure {
      throw Failure("\(path): \(error.message)")
    } catch {
      throw Failure("\(path): \(PlainText.line("\(error)"))")
    }
  }

  /// Returns whether a row has this name.
  func contains(_ name: String) -> Bool {
    let hash = Self.hash(name.utf8)
    var range = hashes.indices
    while !range.isEmpty {
      let middle = (range.lowerBound + range.upperBound) / 2
      if hashes[middle] == hash { return true }
      range =
        hashes[middle] < hash ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return false
  }

  private mutating func readTable(_ lines: DelimitedReader, _ rows: ResultRows) throws {
    var reader = CSVReader(lines)
    guard let header = try reader.next(), header.isComplete else { return }
    guard CSV.row(header.texts) == rows.head else {
      throw Failure(
        "its columns are not those of this run; give the same model and --top-k again, or name "
          + "another --output")
    }
    byteCount = reader.byteCount
    while let row = try reader.next(), row.isComplete {
      guard row.fields.count == header.fields.count else {
        throw Failure(
          "line \(row.line): \(row.fields.count) fields, the header has \(header.fields.count)")
      }
      let texts = row.texts[2...3].map(\.self)
      try take(
        row.fields[0], isFailure: !row.fields[1].isEmpty, model: texts[0], run: texts[1],
        line: row.line, rows)
      byteCount = reader.byteCount
    }
    try checkEnd(reader.byteCount)
  }

  private mutating func readLines(_ lines: DelimitedReader, _ rows: ResultRows) throws {
    var reader = lines
    var line = 0
    while let part = try reader.next(), part.isComplete {
      line += 1
      guard !part.isCut, let tree = try? unsafe JSONTree(part.bytes.span.bytes, allowsNUL: true),
        let file = tree.root["file"]?.string, let run = tree.root["run"]?.string,
        let model = tree.root["model"]?["version"]?.string
      else { throw Failure("line \(line): not an answer of classify --jsonl") }
      try take(
        Array(file.utf8), isFailure: tree.root["error"] != nil, model: model, run: run, line: line,
        rows)
      byteCount = reader.byteCount
    }
    try checkEnd(reader.byteCount)
  }

  private func checkEnd(_ end: Int) throws(Failure) {
    guard end - byteCount <= Self.unfinishedByteLimit else {
      throw Failure(
        "the row at byte \(byteCount) never ends: the file is damaged there; mend it, or name "
          + "another --output")
    }
  }

  private mutating func take(
    _ name: [UInt8], isFailure: Bool, model: String, run: String, line: Int, _ rows: ResultRows
  ) throws(Failure) {
    func refusal(_ what: String, _ found: String, _ wanted: String) -> Failure {
      Failure(
        "line \(line): made with \(what) \"\(PlainText.line(String(found.prefix(40))))\", this run "
          + "has \"\(wanted)\"; use the same again, or name another --output")
    }
    guard model == rows.version else {
      throw refusal("the model's version", model, rows.version)
    }
    guard run == rows.run else {
      throw refusal("the precision, labels, contract or options of run", run, rows.run)
    }
    guard hashes.count < Self.rowLimit else {
      throw Failure("more than \(Self.rowLimit) rows; name another --output for the rest")
    }
    if isFailure { failureCount += 1 }
    hashes.append(Self.hash(name))
  }

  /// Returns 128 bits of SipHash under keys of this process, which nobody can foresee.
  private static func hash(_ name: some Sequence<UInt8>) -> UInt128 {
    // Strings themselves hash alike if they are canonically equivalent, which files are not.
    let bytes = Array(name)
    let halves = [0, 1].map { (seed: Int) -> UInt128 in
      var hasher = Hasher()
      hasher.combine(seed)
      unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
      return UInt128(UInt64(bitPattern: Int64(hasher.finalize())))
    }
    return halves[0] << 64 | halves[1]
  }
}
