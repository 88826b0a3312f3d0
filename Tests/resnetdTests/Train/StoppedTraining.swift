import Foundation
import Glibc
import Testing

/// A run of the program that is told to stop in the middle of its work.
enum StoppedTraining {
  /// Flag of a pipe that keeps each write apart (pipe(7), `O_DIRECT`), and the command of `fcntl`
  /// for its size; glibc's header has both only for GNU sources.
  private static let keepsWritesApart: CInt = 0o40000
  private static let setPipeSize: CInt = 1031

  /// Runs the program until it has reported an epoch, sends it SIGTERM, and returns its exit code.
  ///
  /// Its reports go through a pipe with room for a single one, so that it is never far ahead of
  /// the test, however late that gets to read.
  static func exitCode(_ arguments: [String]) async throws -> Int32 {
    let process = Process()
    process.executableURL = try ProgramUnderTest.url
    process.arguments = arguments
    process.environment = ProgramUnderTest.isolated([:])
    let pipe = Pipe()
    let reports = pipe.fileHandleForReading
    let writing = pipe.fileHandleForWriting.fileDescriptor
    try #require(fcntl(writing, setPipeSize, 4096) >= 0)
    try #require(fcntl(writing, F_SETFL, keepsWritesApart) == 0)
    try #require(fcntl(reports.fileDescriptor, F_SETFL, O_NONBLOCK) == 0)
    process.standardError = pipe
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    try pipe.fileHandleForWriting.close()
    try await read(reports) { !$0.contains("epoch ") }
    kill(process.processIdentifier, SIGTERM)
    // The thread that has taken the signal may have to wait for a core before it says so to the others,
    // which cannot go on meanwhile: nobody reads their reports.
    while process.isRunning,
      try isPending(SIGTERM, process.processIdentifier) || isComputing(process.processIdentifier)
    {
      try await Task.sleep(for: .milliseconds(1))
    }
    try await read(reports) { _ in true }
    await ProgramUnderTest.end(of: process, within: ProgramUnderTest.timeLimit)
    return process.terminationStatus
  }

  /// Reads reports as long as `goesOn` says so of the last one, at most to their end.
  private static func read(
    _ reports: FileHandle, while goesOn: (String) -> Bool
  ) async throws {
    var bytes = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe Glibc.read(reports.fileDescriptor, &bytes, bytes.count)
      if count > 0 {
        if !goesOn(String(decoding: bytes.prefix(count), as: UTF8.self)) { return }
      } else if count == 0 || errno != EAGAIN && errno != EINTR {
        return
      } else {
        try await Task.sleep(for: .milliseconds(1))
      }
    }
  }

  /// Returns whether a thread of the process runs, or would if it had a core (proc_pid_stat(5)).
  private static func isComputing(_ process: pid_t) -> Bool {
    let folder = "/proc/\(process)/task"
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return threads.contains { thread in
      let text = try? String(contentsOfFile: "\(folder)/\(thread)/stat", encoding: .utf8)
      // The state follows the name, which stands in parentheses.
      return text?.split(separator: ")").last?.split(separator: " ").first == "R"
    }
  }

  /// Returns whether a signal has been sent to the process, which has not yet noticed
  /// (proc_pid_status(5), `ShdPnd`).
  private static func isPending(_ signal: CInt, _ process: pid_t) throws -> Bool {
    let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    let line = status?.split(separator: "\n").first { $0.hasPrefix("ShdPnd:") }
    guard let digits = line?.split(separator: "\t").last else { return false }
    return try #require(UInt64(digits, radix: 16)) & 1 << UInt64(signal - 1) != 0
  }
}
