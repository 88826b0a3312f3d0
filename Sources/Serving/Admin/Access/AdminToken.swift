import Files
import Glibc
import Synchronization
package import Telemetry
import Words

/// The secret that an administrator shows, in a file that is read again whenever it changes.
package final class AdminToken: Sendable {
  /// Longest token in bytes: nobody would send a longer one.
  private static let byteLimit = 4096
  /// Bytes below which a token can be guessed.
  private static let leastByteCount = 8
  /// Command that makes a token, for the log.
  private static let remedy = "write one word into it, as of `openssl rand -hex 32`"

  private struct State {
    /// State of the file, or nil if it does not exist.
    var stamp: FileStamp?
    /// The token; empty while the file cannot be used, and then all requests are rejected.
    var token: [UInt8] = []
    /// What is in the file that no request can show, if it is that.
    var flaw: String?
    /// Number of times that the token has changed.
    var generation = 0
  }

  private let path: String
  private let log: Log
  private let state = Mutex(State())

  package init(path: String, log: Log) {
    self.path = path
    self.log = log
    // A flaw is for the caller, who does not begin with it.
    state.withLock { $0 = look(after: $0, reportsFlaw: false) }
  }

  /// What is wrong with a file that can be read, but whose content no request can show; nil if
  /// nothing is.
  package var flaw: String? { current.flaw.map { "\($0): \(Self.remedy)" } }

  /// Number that changes with the token, also when the file cannot be used.
  var generation: Int { current.generation }

  private var current: State {
    state.withLock { state in
      if FileStamp(path) != state.stamp { state = look(after: state) }
      return state
    }
  }

  /// Returns whether the string is the token. The time this takes does not reveal how much of it is
  /// right.
  func admits(_ text: Substring) -> Bool {
    let token = current.token
    guard !token.isEmpty else { return false }
    // One more than any token has, so that a longer string is not taken for its beginning.
    let given = Array(text.utf8.prefix(Self.byteLimit + 1))
    // The loop covers the whole string, whatever differs.
    var difference = UInt8(given.count == token.count ? 0 : 1)
    for index in given.indices { difference |= given[index] ^ token[index % token.count] }
    return difference == 0
  }

  /// Reads the file now, whether it has changed or not, and logs any problem with it. Returns whether
  /// there is a token.
  package func reread() -> Bool {
    state.withLock { state in
      state = look(after: state)
      return !state.token.isEmpty
    }
  }

  /// Reads the file as it is now. A problem with it is logged once, until the file changes.
  private func look(after former: State, reportsFlaw: Bool = true) -> State {
    var state = look()
    if reportsFlaw, let flaw = state.flaw { report("\(flaw); \(Self.remedy)") }
    state.generation = former.generation + (state.token == former.token ? 0 : 1)
    return state
  }

  private func look() -> State {
    // Taken before reading: a change between the two counts as another change.
    guard let status = Self.status(path) else {
      report("is not there")
      return State()
    }
    if status.st_mode & 0o077 != 0 {
      log.write(
        "the admin token's file can be read by others; chmod 600", as: .warning,
        ["file": .text(path)])
    }
    let token = Self.read(path)
    if token?.isEmpty ?? true {
      report(token == nil ? "cannot be read, or is not a small file" : "is empty")
    }
    if let flaw = token.flatMap(Self.flaw) { return State(stamp: FileStamp(status), flaw: flaw) }
    if let token, 1..<Self.leastByteCount ~= token.count {
      log.write(
        "the admin token has fewer than \(Self.leastByteCount) characters and can be guessed; "
          + "`openssl rand -hex 32` makes a better one", as: .warning, ["file": .text(path)])
    }
    return State(stamp: FileStamp(status), token: token ?? [])
  }

  private func report(_ reason: String) {
    log.write(
      "the admin token's file \(reason); all requests are rejected", as: .error,
      ["file": .text(path)])
  }

  /// Returns what keeps every request from showing a token; nil if nothing does.
  private static func flaw(of token: [UInt8]) -> String? {
    if let encoding = WideText.encoding(likelyIn: token) { return "is text in \(encoding)" }
    if token.starts(with: [0xef, 0xbb, 0xbf]) { return "begins with a byte order mark" }
    if token.contains(where: { $0 == 10 || $0 == 13 }) { return "has more than one line" }
    if token.contains(where: { $0 == 32 || $0 == 9 }) { return "has a blank within the token" }
    if token.contains(where: { $0 < 32 || $0 == 127 }) { return "has a control character" }
    return String(validating: token, as: UTF8.self) == nil ? "is not text in UTF-8" : nil
  }

  private static func status(_ path: String) -> stat? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status : nil
  }

  /// Returns the file's content without surrounding blanks.
  private static func read(_ path: String) -> [UInt8]? {
    guard let file = try? RegularFile(path), let bytes = try? file.readAll(limit: byteLimit)
    else { return nil }
    let isBlank = { (byte: UInt8) in byte == 32 || 9...13 ~= byte }
    let content = bytes.drop(while: isBlank)
    guard let last = content.lastIndex(where: { !isBlank($0) }) else { return [] }
    return Array(content[...last])
  }
}
