import Foundation
import Synchronization
import Testing

/// A file for this user alone, which is removed with its owner.
final class TokenFile: Sendable {
  let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("resnetd-token-\(UUID().uuidString)").path

  init(_ content: String) throws { try write(content) }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Puts another file under the same name; none if nil.
  func write(_ content: String?) throws {
    guard let content else {
      try FileManager.default.removeItem(atPath: path)
      return
    }
    let aside = path + ".new"
    #expect(
      FileManager.default.createFile(
        atPath: aside, contents: Data(content.utf8), attributes: [.posixPermissions: 0o600]))
    #expect(unsafe rename(aside, path) == 0)
  }
}

/// A clock that moves on when it is told to.
final class AdminClock: Sendable {
  private let start = ContinuousClock.now
  private let passed = Mutex(Duration.zero)
  func advance(_ duration: Duration) { passed.withLock { $0 += duration } }
  var now: @Sendable () -> ContinuousClock.Instant {
    { [self] in start + passed.withLock(\.self) }
  }
}
