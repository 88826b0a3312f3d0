import Foundation
import Glibc
import Testing

/// What a service manager is told (sd_notify(3)), and a Unix socket for requests.
@Suite struct ServiceManagerTests {
  /// Datagram socket in a folder of its own, on which messages arrive.
  private final class Messages {
    let path: String
    private let folder: TemporaryFolder
    private let descriptor: CInt

    init() throws {
      folder = try TemporaryFolder()
      path = folder.url.appendingPathComponent("notify").path
      descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      let bytes = Array(path.utf8)
      try #require(bytes.count < MemoryLayout.size(ofValue: address.sun_path))
      // SAFETY: there is room for the bytes, and the rest is zeros.
      unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
      // SAFETY: the address outlives the call and has the length that is given.
      let status = unsafe withUnsafeBytes(of: &address) { bytes in
        unsafe bind(
          descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self),
          socklen_t(bytes.count))
      }
      try #require(status == 0)
      try #require(fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0)
    }

    deinit { close(descriptor) }

    /// Returns the messages up to the first one that begins so, which must come.
    func until(_ beginning: String) async throws -> [String] {
      var messages: [String] = []
      let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
      var bytes = [UInt8](repeating: 0, count: 4096)
      while ContinuousClock.now < deadline {
        let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else {
          try await Task.sleep(for: .milliseconds(5))
          continue
        }
        messages.append(String(decoding: bytes.prefix(count), as: UTF8.self))
        if messages.last?.hasPrefix(beginning) == true { return messages }
      }
      Issue.record("no \(beginning) among \(messages)")
      return messages
    }
  }

  @Test("It tells when it is ready, that it lives, and when it stops")
  func notifications() async throws {
    let messages = try Messages()
    let server = try await ServerUnderTest(
      options: [], environment: ["NOTIFY_SOCKET": messages.path, "WATCHDOG_USEC": "3000000"])
    #expect(try await messages.until("READY=1").last == "READY=1\nSTATUS=serving resnet20-cifar10")
    #expect(try await messages.until("WATCHDOG=1").last == "WATCHDOG=1")
    #expect(await server.stop() == 0)
    #expect(try await messages.until("STOPPING=1").last == "STOPPING=1\nSTATUS=draining")
  }

  @Test("Signs of life for another process are not given")
  func otherProcess() async throws {
    let messages = try Messages()
    let server = try await ServerUnderTest(
      options: [],
      environment: [
        "NOTIFY_SOCKET": messages.path, "WATCHDOG_USEC": "3000", "WATCHDOG_PID": "1",
        "LISTEN_PID": "1", "LISTEN_FDS": "7",
      ])
    #expect(await server.stop() == 0)
    let all = try await messages.until("STOPPING=1")
    #expect(all.map { String($0.prefix(7)) } == ["READY=1", "STOPPIN"])
  }

  @Test(
    "A Unix socket for requests has the permissions that are asked for, and goes with its server")
  func unixSocket() async throws {
    let folder = try TemporaryFolder()
    let path = folder.url.appendingPathComponent("socket").path
    for (options, mode) in [([], 0o660), (["--socket-mode", "600"], 0o600)] {
      let server = try await ServerUnderTest(
        options: ["--socket", path] + options, until: /"url":"unix:[^"]*".*"classes":(\d+)/)
      var status = stat()
      #expect(unsafe stat(path, &status) == 0 && Int(status.st_mode & 0o777) == mode)
      let answer = try await server.curl(
        "--unix-socket", path, "-T", ProgramUnderTest.sampleImage, "http://localhost/classify")
      #expect(answer.status == 200 && answer.body.contains("ship"))
      let health = try await ProgramUnderTest.run("healthcheck", "--socket", path)
      #expect(health.exitCode == 0 && health.output == "ok\n")
      #expect(await server.stop() == 0)
      #expect(!FileManager.default.fileExists(atPath: path))
    }
    let both = try await ProgramUnderTest.run("serve", "--socket", path, "--port", "0")
    #expect(both.exitCode == 2 && both.errors.contains("not both"))
  }
}
