package import Decoding
import Engine
import Words

/// The program: picks the subcommand and turns its errors into a message and an exit code.
package enum Program {
  private static let commands: [any Command.Type] = [
    ServeCommand.self, ClassifyCommand.self, EvaluateCommand.self, InspectCommand.self,
    TrainCommand.self, BenchCommand.self, PullCommand.self, QuantizeCommand.self,
    ConvertCommand.self,
    RunCommand.self, ModelCommand.self, APIKeyCommand.self, SandboxCommand.self,
    HealthcheckCommand.self, CompletionCommand.self, ManualCommand.self,
  ]

  static var names: [String] { commands.map { $0.name } }

  /// What there is to say of each command.
  static var descriptions: [CommandDescription] { commands.map { description(of: $0) } }

  private static func description<Described: Command>(
    of command: Described.Type
  ) -> CommandDescription { CommandDescription(command) }

  /// Forks the starter of decoders, for commands that decode; call it before anything else.
  ///
  /// - Parameter arguments: Arguments without the program's own name.
  package static func startSpawner(for arguments: [String]) -> Spawner? {
    guard let first = arguments.first, command(named: first)?.decodes == true else { return nil }
    return Spawner.start()
  }

  /// - Parameter arguments: Arguments without the program's own name.
  package static func run(
    _ arguments: [String], environment: [String: String], spawner: Spawner? = nil
  ) -> ExitCode {
    StandardOutput.finish(answer(arguments, environment, spawner))
  }

  private static func answer(
    _ arguments: [String], _ environment: [String: String], _ spawner: Spawner?
  ) -> ExitCode {
    guard let first = arguments.first else {
      StandardError.writeAll(help + "\n")
      return .usage
    }
    let rest = Array(arguments.dropFirst())
    switch first {
    case "--version", "-V", "version":
      StandardOutput.write(Version.text)
      return .success
    case "--help", "-h", "help":
      guard let topic = rest.first, let command = command(named: topic) else {
        StandardOutput.write(help)
        return .success
      }
      StandardOutput.write(command.help)
      return .success
    default:
      guard let command = command(named: first) else {
        let isOption = first.hasPrefix("-")
        let nearest =
          first == "-v"
          ? "--version"
          : Suggestion.nearest(to: first, among: isOption ? ["--version", "--help"] : names)
        let hint =
          nearest.map { "; did you mean \($0)?" }
          ?? (isOption ? "; a command comes first, as in `resnetd serve`" : "")
        StandardError.write(lines: [
          "resnetd: unknown command \"\(first)\"\(hint)", "Try 'resnetd --help'.",
        ])
        return .usage
      }
      return run(command, rest, environment, spawner)
    }
  }

  private static func run(
    _ command: any Command.Type, _ arguments: [String], _ environment: [String: String],
    _ spawner: Spawner?
  ) -> ExitCode {
    let variables = EnvironmentVariables(
      environment, optionVariables: commands.flatMap { $0.variables })
    do {
      if let fault = InstructionLevel.fault { throw UsageError(fault) }
      return try command.main(arguments, environment: variables, spawner: spawner)
    } catch let error as UsageError {
      StandardError.write(lines: [
        "resnetd \(command.name): \(error.message)", "Try 'resnetd \(command.name) --help'.",
      ])
      return .usage
    } catch let error as Failure {
      StandardError.write("resnetd \(command.name): \(error.message)")
      return .failure
    } catch {
      StandardError.write("resnetd \(command.name): \(error)")
      return .failure
    }
  }

  private static func command(named name: String) -> (any Command.Type)? {
    commands.first { $0.name == name }
  }

  private static var help: String {
    let rows = commands.map { ["  \($0.name)", $0.summary] }
    return [
      "usage: resnetd COMMAND [OPTION…]", "",
      "Classifies images with residual networks, over HTTP or from the command line.", "",
      TextTable(rows: rows).text, "",
      "resnetd COMMAND --help lists a command's options; resnetd --version shows what runs.",
    ].joined(separator: "\n")
  }
}
