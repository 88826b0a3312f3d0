import CProgram
import Words

/// The arguments of `main`: Swift's own list needs /proc.
package enum ProgramArguments {
  /// Arguments without the program's own name.
  package static var all: [String] {
    (1..<max(1, program_argument_count())).map { index in
      // SAFETY: the process owns the string, and the index is below the count.
      unsafe String(cString: program_argument(index))
    }
  }

  /// The command line as a shell takes it.
  static var commandLine: String {
    (["resnetd"] + all.map(quoted)).joined(separator: " ")
  }

  private static func quoted(_ argument: String) -> String {
    let isPlain = argument.unicodeScalars.allSatisfy { scalar in
      scalar.properties.isAlphabetic || "0"..."9" ~= scalar
        || "-_./=:,+@%".unicodeScalars.contains(scalar)
    }
    guard argument.isEmpty || !isPlain else { return argument }
    return "'" + argument.replacingText("'", with: "'\\''") + "'"
  }
}
