/// `resnetd healthcheck`: asks a running server whether it is ready; for containers without curl.
enum HealthcheckCommand: Command {
  struct Settings: CommandSettings {
    var host = "127.0.0.1"
    var port = 8080
    var socket: String?
    var path = "/readyz"
    var timeout = Duration.seconds(2)
    /// Certificate that the server shows; nil where it speaks no TLS.
    var certificate: String?

    var place: ServerQuestion.Place {
      if let socket { return .socket(socket) }
      guard let certificate else { return .port(host: host, port) }
      // It is asked by an address that its certificate does not bear.
      return .encrypted(
        host: host, port,
        ServerQuestion.TLSTrust(authorities: certificate, takesAnyName: true))
    }
  }

  /// Limit of the bytes of an answer that are searched for its reason, 64 KiB.
  private static let bodyByteLimit = 64 << 10

  static let name = "healthcheck"
  static let summary = "ask a running server whether it is ready"
  static let operands = ""
  static let discussion = """
    Exits with 0 where the server answers 200, else with 1 and the reason.
    """
  static let options: [Option<Settings>] = [
    .text("host", "HOST", \.host, "the server's address").inPlaceOf("socket"),
    .integer("port", "PORT", \.port, in: 1...65535, "the server's port").inPlaceOf("socket"),
    .optionalPath("socket", "PATH", \.socket, "its Unix socket, in place of host and port")
      .inPlaceOf("host", "port"),
    .text("path", "PATH", \.path, "the probe to ask, such as /readyz or /livez"),
    .duration(
      "timeout", \.timeout, in: Duration.milliseconds(1)...Duration.seconds(3600),
      "for the whole answer"),
    .optionalPath(
      "tls-cert", "FILE", \.certificate,
      "certificate with which the server speaks TLS, as in its own --tls-cert"),
  ]

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    try check(settings.path)
    let place = settings.place
    let answer: ServerQuestion.Answer
    do throws(ServerQuestion.NoAnswer) {
      answer = try ServerQuestion(
        place: place, method: "GET", target: settings.path, timeout: settings.timeout,
        connectTimeout: settings.timeout, bodyByteLimit: bodyByteLimit, isBodyWhole: false
      ).answer()
    } catch {
      throw Failure("no answer from \(place): \(error.reason)")
    }
    guard answer.status == 200 else {
      let reason = answer.problemDetail.map { ": \(PlainText.line($0))" } ?? ""
      throw Failure("\(settings.path) answers \(answer.status)\(reason)")
    }
    StandardOutput.write("ok")
    return .success
  }

  /// Throws if the path cannot stand in a request line as it is.
  private static func check(_ path: String) throws(UsageError) {
    guard path.hasPrefix("/"), path.utf8.allSatisfy({ 0x21...0x7e ~= $0 }) else {
      throw UsageError(
        "--path begins with a slash and has visible ASCII alone, as /readyz and /livez do: not \"\(path)\""
      )
    }
  }
}
