/// `resnetd manual`: manual pages, from the tables of options.
enum ManualCommand: Command {
  struct Settings: CommandSettings {}

  static let name = "manual"
  static let summary = "print a manual page, for man"
  static let operands = "[COMMAND]"
  static var operandWords: [String] { Program.names }
  static let discussion = """
    Prints the manual page of a command, or of the program, as man(7) has them. `make install` puts
    all of them in place.
    """
  static let options: [Option<Settings>] = []
  static let examples = [
    CommandExample("resnetd manual serve | man -l -", "read the page of resnetd serve")
  ]

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    let commands = Program.descriptions
    guard let name = operands.first else {
      StandardOutput.write(ManualPage.program(commands))
      return .success
    }
    guard operands.count == 1, let command = commands.first(where: { $0.name == name }) else {
      throw UsageError(
        "there is no manual page \"\(operands.joined(separator: " "))\": give one of "
          + commands.map(\.name).joined(separator: ", "))
    }
    StandardOutput.write(ManualPage.of(command))
    return .success
  }
}
