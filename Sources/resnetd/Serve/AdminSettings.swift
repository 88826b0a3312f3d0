import HTTPServer
import ModelStore
import Serving
import Telemetry

/// Settings of `resnetd serve` for model changes while it serves.
struct AdminSettings: CommandSettings {
  var isOn = Switch.on
  var host = "127.0.0.1"
  var port = 8081
  /// Path of a Unix socket, in place of host and port.
  var socketPath: String?
  var tokenFile: String?
  /// Folder of kept models; if nil, nothing is kept and nothing can be uploaded.
  var stateFolder: String?
  var store = StoreLimits()
  /// Whether `--model` wins over the live model of the state folder.
  var prefersModel = false
  /// Limit of the admin endpoint's connections, strangers' included; changes have their own,
  /// `AdminLimits`.
  var connectionLimit = 64

  /// Least versions: live, previous, a canary and a new one.
  private static let versionMinimum = 4

  static let options: [Option<AdminSettings>] = [
    .choice("admin", \.isOn, "the admin endpoint, by which models are swapped"),
    .text(
      "admin-host", "HOST", \.host,
      "where the admin endpoint listens; beyond the loopback only with --admin-token-file"
    ).inPlaceOf("admin-socket"),
    .integer(
      "admin-port", "PORT", \.port, in: 0...65535,
      "port of the admin endpoint; 0 picks a free one"
    ).inPlaceOf("admin-socket"),
    .optionalText(
      "admin-socket", "PATH", \.socketPath,
      "a Unix socket for the admin endpoint in place of host and port, for the server's user alone"
    ).inPlaceOf("admin-host", "admin-port"),
    .optionalPath(
      "admin-token-file", "FILE", \.tokenFile,
      "file with the token that administrators show; read again when it changes"),
    .optionalPath(
      "state-dir", "DIR", \.stateFolder,
      "where uploaded models are kept, and which one is live"),
    .flag(
      "prefer-model", \.prefersModel,
      "serve --model even if another model is live in --state-dir, and make it live there"),
    .integer(
      "admin-connection-limit", "N", \.connectionLimit, in: 4...100_000,
      "open connections of the admin endpoint; further ones wait in the backlog"),
    .byteCount(
      "model-limit", \.store.uploadByteLimit, in: 1...(1 << 40),
      "bytes of one uploaded model (else 413)"),
    .integer(
      "kept-versions", "N", \.store.versionCountLimit, in: versionMinimum...10_000,
      "models kept in --state-dir; the oldest unused go first"),
    .byteCount(
      "kept-bytes", \.store.totalByteLimit, in: 1...(1 << 50),
      "bytes of all models kept in --state-dir"),
  ]

  /// Throws if strangers could reach it without a token.
  func check() throws(UsageError) {
    guard isOn == .on, socketPath == nil, tokenFile == nil else { return }
    guard Loopback.contains(HostName(host).address) else {
      throw UsageError(
        "--admin-host \(host) can be reached from elsewhere: name a file with a token by "
          + "--admin-token-file, or listen on 127.0.0.1")
    }
  }

  /// Returns the token that administrators show; nil if none is needed. Throws for one that no
  /// request can show.
  func token(_ log: Log) throws(Failure) -> AdminToken? {
    guard let tokenFile else { return nil }
    let token = AdminToken(path: tokenFile, log: log)
    if let flaw = token.flaw { throw Failure("--admin-token-file: \(tokenFile) \(flaw)") }
    return token
  }

  /// Returns nil if the endpoint is switched off.
  func server(
    like server: ServerConfiguration, _ identity: TLSIdentity?, inherited: CInt?
  ) -> ServerConfiguration? {
    guard isOn == .on else { return nil }
    var configuration = ServerConfiguration()
    configuration.inherited = inherited
    configuration.host = host
    configuration.port = port
    configuration.socketPath = socketPath
    configuration.identity = configuration.isLocal ? nil : identity
    configuration.handshakeLimit = TLSSettings.otherHandshakeLimit
    configuration.connectionLimit = connectionLimit
    configuration.limits = server.limits
    return configuration
  }
}
