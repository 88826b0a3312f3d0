import Decoding

/// A subcommand of the program.
protocol Command: SendableMetatype {
  associatedtype Settings: CommandSettings
  static var name: String { get }
  /// One line for the list of commands.
  static var summary: String { get }
  /// Operands on the command line besides options, as help shows them.
  static var operands: String { get }
  /// Words that the first operand may be, for shells that complete it; files are completed beside them
  /// where `operands` has some.
  static var operandWords: [String] { get }
  /// Text of the help below the usage line.
  static var discussion: String { get }
  static var options: [Option<Settings>] { get }
  /// Command lines to begin with, and what each is for.
  static var examples: [CommandExample] { get }

  /// Does the work and writes its results to standard output.
  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode

  /// Whether the program forks the starter of decoders before it does anything for this command.
  static var decodes: Bool { get }
  /// Does the same as `run`, for a command that decodes.
  static func run(_ settings: Settings, operands: [String], spawner: Spawner?) throws -> ExitCode
}

/// A command line that shows a use.
struct CommandExample: Sendable {
  let line: String
  let purpose: String

  init(_ line: String, _ purpose: String) { (self.line, self.purpose) = (line, purpose) }
}

extension Command {
  static var operandWords: [String] { [] }

  static var decodes: Bool { false }
  static var examples: [CommandExample] { [] }

  static func run(_ settings: Settings, operands: [String], spawner: Spawner?) throws -> ExitCode {
    try run(settings, operands: operands)
  }
}

extension Command {
  /// Environment variables of the options.
  static var variables: [String] { options.map(\.variable) }

  /// Text of `--help`.
  static var help: String { CommandDescription(Self.self).help }

  /// Parses the arguments, then prints the help or runs.
  static func main(
    _ arguments: [String], environment: EnvironmentVariables, spawner: Spawner?
  ) throws -> ExitCode {
    var parsed = try ParsedArguments(arguments, environment: environment, options: options)
    if parsed.wantsHelp {
      StandardOutput.write(help)
      return .success
    }
    if operands.isEmpty, let extra = parsed.operands.first {
      throw UsageError("unexpected argument \"\(extra)\"")
    }
    parsed.settings.take(origins: parsed.origins)
    parsed.settings.take(warnings: parsed.warnings, of: name)
    return try run(parsed.settings, operands: parsed.operands, spawner: spawner)
  }
}
