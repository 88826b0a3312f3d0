import Foundation
import Glibc
import Testing

/// A server whose standard error nobody reads any more.
@Suite struct StalledReaderTests {
  /// More lines than the log's buffer of 1 MiB has room for.
  private static let requestCount = 8000

  private let process = Process()
  private let errors = Pipe()

  /// Starts it, and reads its output until a line has the pattern.
  private func start(_ options: [String], until pattern: Regex<(Substring, Substring, Substring)>)
    throws -> (port: String, adminPort: String)
  {
    process.executableURL = try ProgramUnderTest.url
    process.arguments = ["serve", "--port", "0", "--tune", "off"] + options
    process.environment = ProgramUnderTest.isolated([:])
    process.standardInput = FileHandle.nullDevice
    process.standardError = errors
    try process.run()
    var text = ""
    while true {
      let part = errors.fileHandleForReading.availableData
      try #require(!part.isEmpty, "\(text)")
      text += String(decoding: part, as: UTF8.self)
      if let match = text.firstMatch(of: pattern) {
        return (String(match.output.2), String(match.output.1))
      }
    }
  }

  private func curl(_ arguments: String...) async throws -> ProgramUnderTest.Outcome {
    try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/curl"), ["-s", "--max-time", "50"] + arguments)
  }

  @Test("Requests, administrators and the end go on, and lost lines are counted")
  func serving() async throws {
    let ports = try start(
      [],
      until: /(?s)"admin","url":"http:\/\/127\.0\.0\.1:(\d+)".*"ready","url":"http:[^"]*:(\d+)"/)
    let address = "http://127.0.0.1:\(ports.port)"
    let many = try await curl("-o", "/dev/null", "\(address)/livez?[1-\(Self.requestCount)]")
    #expect(many.exitCode == 0)
    let metrics = try await curl("\(address)/metrics").output
    let dropped = try #require(
      metrics.firstMatch(of: /(?m)^resnetd_log_lines_dropped_total (\d+)$/)?.output.1)
    #expect(try #require(Int(dropped)) > 0)
    let image = try await curl("-T", ProgramUnderTest.sampleImage, "\(address)/classify")
    #expect(image.output.contains(#""label":"ship""#))
    let admin = "http://127.0.0.1:\(ports.adminPort)/admin"
    #expect(try await curl("\(admin)/model").output.contains("resnet20-cifar10"))
    // A change writes an audit line.
    #expect(try await curl("-X", "POST", "\(admin)/rollback").output.contains("no-state-dir"))
    kill(process.processIdentifier, SIGTERM)
    await ProgramUnderTest.end(of: process, within: ProgramUnderTest.timeLimit)
    #expect(process.terminationReason == .exit && process.terminationStatus == 0)
  }

  @Test("A start that fails ends as well, with its reason where it can be read")
  func failing() async throws {
    let writing = errors.fileHandleForWriting.fileDescriptor
    #expect(fcntl(writing, F_SETFL, O_NONBLOCK) == 0)
    while unsafe write(writing, "x", 1) == 1 {}
    #expect(fcntl(writing, F_SETFL, 0) == 0)
    process.executableURL = try ProgramUnderTest.url
    process.arguments = ["serve", "--model", "/nonexistent"]
    process.environment = ["RESNETD_ADMIN": "off", "RESNETD_PORT": "0"]
    process.standardError = errors
    try process.run()
    await ProgramUnderTest.end(of: process, within: ProgramUnderTest.timeLimit)
    #expect(process.terminationReason == .exit && process.terminationStatus == 1)
  }
}
