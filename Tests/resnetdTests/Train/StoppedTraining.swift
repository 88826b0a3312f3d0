import Foundation

/// A run of the program that is told to stop in the middle of its work.
enum StoppedTraining {
  /// Runs the program until it has printed `words`, sends it SIGTERM, and returns its exit code.
  static func exitCode(_ arguments: [String], after words: String) async throws -> Int32 {
    let folder = try TemporaryFolder()
    let log = try folder.file("log", "")
    let process = Process()
    process.executableURL = try ProgramUnderTest.url
    process.arguments = arguments
    process.environment = ProgramUnderTest.isolated([:])
    let errors = try FileHandle(forWritingTo: log)
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    try errors.close()
    while process.isRunning {
      let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
      if text.contains(words) { break }
      try await Task.sleep(for: .milliseconds(1))
    }
    kill(process.processIdentifier, SIGTERM)
    await ProgramUnderTest.end(of: process, within: ProgramUnderTest.timeLimit)
    return process.terminationStatus
  }
}
