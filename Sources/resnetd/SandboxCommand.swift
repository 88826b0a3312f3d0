import Decoding

/// `resnetd sandbox`: tries out the means that confine decoders on this machine.
enum SandboxCommand: Command {
  struct Settings: CommandSettings {}

  static let name = "sandbox"
  static let summary = "show how image decoders are confined"
  static let operands = ""
  static let discussion = """
    Starts decoders as serve does and has them try what they must not be able to do. Exits with 1
    where one of them can.
    """
  static let options: [Option<Settings>] = []
  static let decodes = true

  /// Time after which a trial that never ends counts as one.
  private static let endlessTime = Duration.milliseconds(200)
  /// Time that other trials may take, on a machine that has much else to do.
  private static let patience = Duration.seconds(30)

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    try run(settings, operands: operands, spawner: nil)
  }

  static func run(_ settings: Settings, operands: [String], spawner: Spawner?) throws -> ExitCode {
    guard let spawner else { throw Failure("decoders are not processes of their own here") }
    let limits = SandboxLimits()
    let decoders = SandboxedDecoders(spawner, limits: limits)
    guard let parts = decoders.probe() else { throw Failure("a decoder cannot be started here") }
    let decoder = decoders.makeSandboxedDecoder()
    var rows = [["confined with", parts.names.joined(separator: ", ")]]
    var holds = true
    for trial in SandboxTrial.allCases {
      let outcome: SandboxTrial.Outcome
      do throws(DecodingFailure) {
        outcome = try decoder.attempt(
          trial, byteCount: 2 * limits.standingByteCount,
          within: trial == .spin ? endlessTime : patience)
      } catch {
        throw Failure("a decoder cannot be started: \(error)")
      }
      holds = holds && outcome != .succeeded
      rows.append([trial.rawValue, text(outcome)])
    }
    StandardOutput.write(TextTable(rows: rows).text)
    return holds ? .success : .failure
  }

  private static func text(_ outcome: SandboxTrial.Outcome) -> String {
    switch outcome {
    case .succeeded: "possible"
    case .failed: "refused"
    case .ended(SandboxTrial.forbiddenSignal): "ended: a forbidden system call"
    case .ended(let signal): "ended by signal \(signal)"
    case .silent: "stopped"
    }
  }
}
