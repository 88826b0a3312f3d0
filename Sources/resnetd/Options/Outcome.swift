/// Exit codes of the program.
package enum ExitCode: Int32, Sendable {
  case success = 0
  case failure = 1
  case usage = 2
  /// A worker did not finish a step: only a new process helps.
  case stalled = 3
  /// SIGINT ended it early, with everything complete that it began.
  case interrupted = 130
  /// The reader of standard output is gone: 128 + 13, as the shell shows a process that SIGPIPE
  /// ends.
  case brokenPipe = 141
  /// SIGTERM ended it early, with everything complete that it began.
  case terminated = 143
}

/// Error of a command that failed: one line that says what, where and what to do; exit code 1.
package struct Failure: Error {
  let message: String

  init(_ message: String) { self.message = message }
}

/// Error in the command line: exit code 2.
package struct UsageError: Error {
  let message: String

  init(_ message: String) { self.message = message }
}
