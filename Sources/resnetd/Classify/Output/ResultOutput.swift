import Glibc

/// The answers of a run on their way to a file or standard output, complete row by row.
struct ResultOutput: Sendable {
  /// Rows that are there from an earlier run.
  let earlier: EarlierResults
  let path: String?
  private let file: ResultFile
  private let rows: ResultRows
  private var isFirst = true

  /// Opens the output; with `resumes` it reads the rows that are there.
  init(
    _ path: String?, _ rows: ResultRows, _ resumes: Bool, replaces: Bool
  ) throws {
    self.path = path
    self.rows = rows
    guard let path else {
      (file, earlier) = (.standardOutput, EarlierResults())
      return
    }
    guard resumes else {
      (file, earlier) = (try .create(path, replaces: replaces), EarlierResults())
      return
    }
    let descriptor = try ResultFile.open(toResume: path)
    earlier = try EarlierResults(descriptor, path, like: rows)
    // An end that an interrupted write left unfinished goes.
    guard ftruncate(descriptor, earlier.byteCount) == 0,
      lseek(descriptor, 0, SEEK_END) == earlier.byteCount
    else { throw Failure("\(path): cannot be cut after its last whole row") }
    file = .file(descriptor: descriptor, path: path)
  }

  /// Whether rows appear where a progress bar would.
  var isOnTerminal: Bool { path == nil && isatty(STDOUT_FILENO) == 1 }

  func begin() throws { if earlier.byteCount == 0 { try file.write(rows.head) } }

  mutating func write(_ parts: [[UInt8]]) throws {
    var bytes: [UInt8] = []
    for part in parts where !part.isEmpty {
      if !isFirst { bytes += rows.separator }
      isFirst = false
      bytes += part
    }
    if !bytes.isEmpty { try file.write(bytes) }
  }

  func finish() throws {
    try file.write(rows.foot)
    try file.finish()
  }
}
