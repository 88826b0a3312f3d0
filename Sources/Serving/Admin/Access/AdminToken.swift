import Files
import Glibc
import Synchronization
package import Telemetry

/// The secret that an administrator shows, in a file that is read again when it changes.
package final class AdminToken: Sendable {
  /// More is no token that anyone would send.
  private static let byteLimit = 4096

  /// What tells one state of the file from another.
  private struct Stamp: Equatable {
    var inode: UInt
    var size: Int
    var modified: Int
    /// Moves with owner and rights as well, which decide whether the file can be read.
    var changed: Int

    init(_ status: stat) {
      inode = UInt(status.st_ino)
      size = Int(status.st_size)
      modified = Self.nanoseconds(status.st_mtim)
      changed = Self.nanoseconds(status.st_ctim)
    }

    /// Equal for equal times; a file's time can be any number.
    private static func nanoseconds(_ time: timespec) -> Int {
      time.tv_sec &* 1_000_000_000 &+ time.tv_nsec
    }
  }

  private struct State {
    /// Nil for a file that is not there.
    var stamp: Stamp?
    /// Empty while the file cannot be used: then nobody is let in.
    var token: [UInt8] = []
  }

  private let path: String
  private let log: Log
  private let state = Mutex(State())

  package init(path: String, log: Log) {
    self.path = path
    self.log = log
    state.withLock { $0 = look() }
  }

  /// Whether the text is the token; how long that takes says nothing of how much of it is right.
  func admits(_ text: Substring) -> Bool {
    let token = state.withLock { state in
      if Self.status(path).map(Stamp.init) != state.stamp { state = look() }
      return state.token
    }
    guard !token.isEmpty else { return false }
    // One more than any token has, so that a longer text is not taken for its beginning.
    let given = Array(text.utf8.prefix(Self.byteLimit + 1))
    // All of what is given is walked, whatever differs.
    var difference = UInt8(given.count == token.count ? 0 : 1)
    for index in given.indices { difference |= given[index] ^ token[index % token.count] }
    return difference == 0
  }

  /// Looks at the file now, whether it has changed or not; what is wrong with it is logged.
  package func reread() { state.withLock { $0 = look() } }

  /// The file as it is now; what is wrong with it is said once, until it changes.
  private func look() -> State {
    // Before reading: what changes between the two is another change.
    guard let status = Self.status(path) else {
      report("is not there")
      return State()
    }
    if status.st_mode & 0o077 != 0 {
      log.write(
        "warning: the admin token's file can be read by others; chmod 600", ["file": .text(path)])
    }
    let token = Self.read(path)
    if token?.isEmpty ?? true {
      report(token == nil ? "cannot be read, or is no small file" : "is empty")
    }
    return State(stamp: Stamp(status), token: token ?? [])
  }

  private func report(_ reason: String) {
    log.write("the admin token's file \(reason); nobody is let in", ["file": .text(path)])
  }

  private static func status(_ path: String) -> stat? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status : nil
  }

  /// The file's content without blanks around it.
  private static func read(_ path: String) -> [UInt8]? {
    guard let file = try? RegularFile(path), let bytes = try? file.readAll(limit: byteLimit)
    else { return nil }
    let isBlank = { (byte: UInt8) in byte == 32 || 9...13 ~= byte }
    let content = bytes.drop(while: isBlank)
    guard let last = content.lastIndex(where: { !isBlank($0) }) else { return [] }
    return Array(content[...last])
  }
}
