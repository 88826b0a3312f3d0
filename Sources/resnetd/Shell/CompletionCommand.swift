/// `resnetd completion`: scripts that complete command lines, from the tables of options.
enum CompletionCommand: Command {
  struct Settings: CommandSettings {}

  /// Shells for which there is a script.
  private enum Shell: String, CaseIterable { case bash, zsh, fish }

  static let name = "completion"
  static let summary = "print a script that completes command lines in bash, zsh or fish"
  static let operands = "bash|zsh|fish"
  static let operandWords = Shell.allCases.map(\.rawValue)
  static let discussion = """
    Prints a script by which a shell completes commands, options and their values. `make install`
    puts all three in place.
    """
  static let options: [Option<Settings>] = []
  static let examples = [
    CommandExample("source <(resnetd completion bash)", "complete in this bash"),
    CommandExample(
      "resnetd completion fish > ~/.config/fish/completions/resnetd.fish",
      "complete in every fish from now on"),
  ]

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    guard operands.count == 1, let shell = Shell(rawValue: operands[0]) else {
      throw UsageError(
        "give one of \(Shell.allCases.map(\.rawValue).joined(separator: ", ")), as in "
          + "`resnetd completion bash`")
    }
    let commands = Program.descriptions
    switch shell {
    case .bash: StandardOutput.write(CompletionScript.bash(commands))
    case .zsh: StandardOutput.write(CompletionScript.zsh(commands))
    case .fish: StandardOutput.write(CompletionScript.fish(commands))
    }
    return .success
  }
}
