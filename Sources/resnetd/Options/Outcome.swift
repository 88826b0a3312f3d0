/// What the program tells the shell.
package enum ExitCode: Int32, Sendable {
  case success = 0
  case failure = 1
  case usage = 2
  /// A worker did not come to the end of a step: only a new process helps.
  case stalled = 3
  /// Whoever read standard output has gone: what the shell shows for a process that SIGPIPE ends, 128 + 13.
  case brokenPipe = 141
}

/// The command could not do its work: one line that says what, where and what to do; exit code 1.
package struct Failure: Error {
  let message: String

  init(_ message: String) { self.message = message }
}

/// The command line is wrong: exit code 2.
package struct UsageError: Error {
  let message: String

  init(_ message: String) { self.message = message }
}
