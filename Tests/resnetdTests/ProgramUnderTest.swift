import Checkpoint
import Foundation
import Testing

/// The built program, run as its users run it.
enum ProgramUnderTest {
  struct Outcome {
    var exitCode: Int32
    var output: String
    var errors: String
  }

  /// Limit of a run; beyond it the process is killed and the test fails by its exit code.
  static let timeLimit = Duration.seconds(600)

  /// Path of the program, beside the tests' own executable.
  static var url: URL {
    get throws {
      let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      return URL(fileURLWithPath: tests).deletingLastPathComponent()
        .appendingPathComponent("resnetd")
    }
  }

  static var repository: String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
  }

  /// Adds a free admin port, because tests run side by side and the default is always the same, and
  /// the smaller of the embedded models, which starts sooner and knows `sampleImage`.
  ///
  /// - Parameter environment: An empty `RESNETD_MODEL` stands for none.
  static func isolated(_ environment: [String: String]) -> [String: String] {
    environment.merging([
      "RESNETD_ADMIN_PORT": "0", "RESNETD_MODEL": EmbeddedModel.cifar10.name,
    ]) { given, _ in given }.filter { $0.key != "RESNETD_MODEL" || !$0.value.isEmpty }
  }

  /// A drawn ship.
  static var sampleImage: String { repository + "/Tests/Images/ship.jpg" }

  /// Runs to the end; `environment` has only the given variables.
  static func run(
    _ arguments: String..., environment: [String: String] = [:], input: String = ""
  ) async throws -> Outcome {
    try await run(url, arguments, environment: environment, input: input)
  }

  static func run(
    _ program: URL, _ arguments: [String], environment: [String: String] = [:],
    input: String = "", within limit: Duration = timeLimit
  ) async throws -> Outcome {
    let folder = try TemporaryFolder()
    // Files rather than pipes: no output is too long for them.
    let output = try folder.file("out", "")
    let errors = try folder.file("err", "")
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.environment = isolated(environment)
    let files = [
      try FileHandle(forReadingFrom: folder.file("in", input)),
      try FileHandle(forWritingTo: output), try FileHandle(forWritingTo: errors),
    ]
    process.standardInput = files[0]
    process.standardOutput = files[1]
    process.standardError = files[2]
    try process.run()
    // The process has its own; Foundation would keep these for the life of the tests, and fails if
    // some thousands are open.
    for file in files { try file.close() }
    await end(of: process, within: limit)
    return Outcome(
      exitCode: process.terminationStatus, output: try String(contentsOf: output, encoding: .utf8),
      errors: try String(contentsOf: errors, encoding: .utf8))
  }

  /// Returns when the process has ended; kills it if it takes too long.
  static func end(of process: Process, within limit: Duration) async {
    let deadline = ContinuousClock.now + limit
    while process.isRunning {
      if ContinuousClock.now > deadline { kill(process.processIdentifier, SIGKILL) }
      try? await Task.sleep(for: .milliseconds(5))
    }
  }
}

/// A folder that is removed with its owner.
final class TemporaryFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func file(_ name: String, _ text: String) throws -> URL {
    let file = url.appendingPathComponent(name)
    try Data(text.utf8).write(to: file)
    return file
  }
}

/// `resnetd serve` on a free port of the loopback; killed with its owner if it still runs.
final class ServerUnderTest {
  let process = Process()
  let port: Int
  private let folder: TemporaryFolder
  private let log: URL

  var address: String { "http://127.0.0.1:\(port)" }

  /// Address of the admin endpoint.
  var adminAddress: String {
    get async throws {
      try await logged(/"message":"admin","url":"(http:\/\/127\.0\.0\.1:\d+)"/)
    }
  }

  /// Address of the admin endpoint of a server that waits for its first model.
  var earlyAdminAddress: String {
    get async throws {
      try await logged(/"message":"listening","address":"[^"]*","admin":"([^"]+)"/)
    }
  }

  var logged: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

  /// Returns when the server says that it is ready.
  convenience init(_ options: String..., environment: [String: String] = [:]) async throws {
    try await self.init(options: options, environment: environment)
  }

  /// Returns when the server logs that it is ready, or whatever the pattern waits for, with its
  /// port.
  init(
    options: [String], environment: [String: String] = [:],
    until pattern: Regex<(Substring, Substring)> =
      /"message":"ready","url":"http:\/\/127\.0\.0\.1:(\d+)"/
  ) async throws {
    folder = try TemporaryFolder()
    log = try folder.file("log", "")
    process.executableURL = try ProgramUnderTest.url
    process.arguments =
      ["serve"] + (options.contains("--socket") ? [] : ["--port", "0"]) + options
    process.environment = ProgramUnderTest.isolated(environment)
    process.standardInput = FileHandle.nullDevice
    let logFile = try FileHandle(forWritingTo: log)
    process.standardError = logFile
    try process.run()
    try logFile.close()
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    while true {
      let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
      if let match = text.firstMatch(of: pattern), let port = Int(match.output.1) {
        self.port = port
        return
      }
      guard process.isRunning, ContinuousClock.now < deadline else {
        Issue.record("the server did not become ready: \(text)")
        throw CancellationError()
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  /// Returns the string that a pattern captures in the log, once it is there.
  func logged(_ pattern: Regex<(Substring, Substring)>) async throws -> String {
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    while true {
      if let match = logged.firstMatch(of: pattern) { return String(match.output.1) }
      guard process.isRunning, ContinuousClock.now < deadline else {
        Issue.record("the server did not log it: \(logged)")
        throw CancellationError()
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Sends a signal and returns the exit code.
  func stop(_ signal: Int32 = SIGTERM) async -> Int32 {
    kill(process.processIdentifier, signal)
    await ProgramUnderTest.end(of: process, within: ProgramUnderTest.timeLimit)
    // A test that expects 0 only says that it was another number.
    if process.terminationStatus != 0 { print("exit \(process.terminationStatus): \(logged)") }
    return process.terminationStatus
  }

  /// Returns the value of a metric with these labels; 0 if it is not shown.
  func metric(_ name: String) async throws -> Int {
    let text = try await curl("\(address)/metrics").body
    let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
    return line.flatMap { Int($0.dropFirst(name.count + 1)) } ?? 0
  }

  /// Returns the status and body that curl gets.
  func curl(_ arguments: String...) async throws -> (status: Int, body: String) {
    try await curl(arguments)
  }

  func curl(_ arguments: [String]) async throws -> (status: Int, body: String) {
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/curl"),
      ["--silent", "--show-error", "--max-time", "30", "--write-out", "\n%{http_code}"] + arguments)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let end = try #require(outcome.output.lastIndex(of: "\n"))
    let status = try #require(Int(outcome.output[end...].dropFirst()))
    return (status, String(outcome.output[..<end]))
  }
}
