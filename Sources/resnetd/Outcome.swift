/// What the program tells the shell.
package enum ExitCode: Int32, Sendable {
  case success = 0
  case failure = 1
  case usage = 2
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
