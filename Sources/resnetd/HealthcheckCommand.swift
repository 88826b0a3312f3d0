import HTTPServer

/// `resnetd healthcheck`: asks a running server whether it is ready; for containers without curl.
enum HealthcheckCommand: Command {
  struct Settings: CommandSettings {
    var host = "127.0.0.1"
    var port = 8080
    var path = "/readyz"
    var timeout = Duration.seconds(2)
  }

  static let name = "healthcheck"
  static let summary = "ask a running server whether it is ready"
  static let operands = ""
  static let discussion = """
    Exits with 0 where the server answers 200, else with 1 and the reason.
    """
  static let options: [Option<Settings>] = [
    .text("host", "HOST", \.host, "the server's address"),
    .integer("port", "PORT", \.port, in: 1...65535, "the server's port"),
    .text("path", "PATH", \.path, "the probe to ask"),
    .duration(
      "timeout", \.timeout, in: Duration.milliseconds(1)...Duration.seconds(3600),
      "for the whole answer"),
  ]

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    let status: Int
    do throws(ServerError) {
      status = try Probe.status(
        host: settings.host, port: settings.port, path: settings.path, within: settings.timeout)
    } catch {
      throw Failure(error.description)
    }
    guard status == 200 else {
      throw Failure("\(settings.path) answers \(status)")
    }
    StandardOutput.write("ok")
    return .success
  }
}
