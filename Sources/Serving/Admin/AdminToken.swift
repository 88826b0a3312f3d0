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
    var seconds: Int
    var nanoseconds: Int
  }

  private struct State {
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
    state.withLock { refresh(&$0) }
  }

  /// Whether the text is the token; how long that takes says nothing of how much of it is right.
  func admits(_ text: Substring) -> Bool {
    let token = state.withLock { state in
      refresh(&state)
      return state.token
    }
    guard !token.isEmpty else { return false }
    let given = Array(text.utf8.prefix(Self.byteLimit))
    // All of the longer is walked, whatever differs.
    var difference = UInt8(given.count == token.count ? 0 : 1)
    for index in given.indices { difference |= given[index] ^ token[index % token.count] }
    return difference == 0
  }

  private func refresh(_ state: inout State) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      if state.stamp != nil || state.token.isEmpty { report("cannot be read", &state) }
      state.stamp = nil
      return
    }
    let stamp = Stamp(
      inode: UInt(status.st_ino), size: Int(status.st_size), seconds: status.st_mtim.tv_sec,
      nanoseconds: status.st_mtim.tv_nsec)
    guard stamp != state.stamp else { return }
    state.stamp = stamp
    if status.st_mode & 0o077 != 0 {
      log.write(
        "warning: the admin token's file can be read by others; chmod 600", ["file": .text(path)])
    }
    let token = Self.read(path)
    guard let token, !token.isEmpty else {
      report(token == nil ? "cannot be read, or is no small file" : "is empty", &state)
      return
    }
    state.token = token
  }

  private func report(_ reason: String, _ state: inout State) {
    state.token = []
    log.write(
      "the admin token's file \(reason); nobody is let in", ["file": .text(path)])
  }

  /// The file's content without blanks around it.
  private static func read(_ path: String) -> [UInt8]? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: byteLimit + 1)
    // SAFETY: reads at most as many bytes as there are.
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
    }
    guard 0...byteLimit ~= count else { return nil }
    let isBlank = { (byte: UInt8) in byte == 32 || 9...13 ~= byte }
    let content = bytes[..<count].drop(while: isBlank)
    guard let last = content.lastIndex(where: { !isBlank($0) }) else { return [] }
    return Array(content[...last])
  }
}
