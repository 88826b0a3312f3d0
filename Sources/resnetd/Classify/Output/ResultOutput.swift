import Glibc

/// The answers of a run on their way to a file, to parts in a folder or to standard output, complete
/// row by row.
struct ResultOutput: Sendable {
  /// Rows that are there from an earlier run.
  let earlier: EarlierResults
  let path: String?
  private let file: ResultFile?
  private var parts: ResultParts?
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

  /// Goes on with the parts of a shard.
  init(
    partsIn store: any PartStore, at path: String, _ shard: Shard, _ rows: ResultRows, rowLimit: Int
  ) throws(Failure) {
    let opened = try ResultParts.open(store, shard, rows, rowLimit: rowLimit)
    (parts, earlier) = (opened.parts, opened.earlier)
    (self.path, self.rows, file) = (path, rows, nil)
  }

  /// Whether rows appear where a progress bar would.
  var isOnTerminal: Bool { path == nil && isatty(STDOUT_FILENO) == 1 }

  /// How a run that ended early is gone on with.
  var continuation: String? {
    if parts != nil { return "the same command goes on with the rest" }
    return path != nil && rows.format.isResumable ? "--resume goes on with the rest" : nil
  }

  func begin() throws { if earlier.byteCount == 0 { try file?.write(rows.head) } }

  /// Writes rows; returns a message for each part that is complete.
  mutating func write(_ added: [[UInt8]]) throws -> [String] {
    var bytes: [UInt8] = []
    var messages: [String] = []
    for row in added where !row.isEmpty {
      guard parts == nil else {
        if let message = try parts?.add(row) { messages.append(message) }
        continue
      }
      if !isFirst { bytes += rows.separator }
      isFirst = false
      bytes += row
    }
    if !bytes.isEmpty { try file?.write(bytes) }
    return messages
  }

  /// Ends the output; returns a message if that wrote a part.
  mutating func finish() throws -> String? {
    try file?.write(rows.foot)
    try file?.finish()
    return try parts?.finish()
  }

  /// Keeps the rows that would be lost with a run that has failed; returns a message if there were
  /// any.
  mutating func keep() -> String? {
    do { return try parts?.finish() } catch { return nil }
  }
}
