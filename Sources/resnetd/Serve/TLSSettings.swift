import Glibc
import HTTPServer
import Telemetry

/// Settings of `resnetd serve` for connections that are encrypted.
struct TLSSettings: CommandSettings {
  /// Bytes that a connection takes at most beside one that is not encrypted: 15 KiB while it is
  /// idle, 17 KiB more while a record of its client is incomplete, and the allocator's part.
  static let connectionByteCount = 40 << 10
  /// Divisor of the memory limit that gives the part for encrypted connections.
  private static let memoryDivisor = 8
  /// Connections whose memory is set aside for the admin endpoint and the metrics.
  private static let otherConnectionCount = 272
  /// Handshakes at once on a listener beside the port for requests.
  static let otherHandshakeLimit = 64
  /// Least handshakes at once on the port for requests.
  private static let leastHandshakeLimit = 16
  /// Least connections that serve at all.
  private static let leastConnectionLimit = 16

  var certificate: String?
  var key: String?
  var clientAuthorities: String?
  var clientNames: [String] = []

  static let options: [Option<TLSSettings>] = [
    .optionalPath(
      "tls-cert", "FILE", \.certificate,
      "PEM certificate, and those that lead to a known authority: all listeners speak TLS alone"),
    .optionalPath(
      "tls-key", "FILE", \.key,
      "its private key, PEM without a passphrase; both are read again when they change"),
    .optionalPath(
      "admin-client-ca", "FILE", \.clientAuthorities,
      "PEM certificates of authorities: administrators show a certificate that one has signed"),
    .list(
      "admin-client-names", \.clientNames,
      "common or alternative names, by commas, of which such a certificate bears one"),
  ]

  var isOn: Bool { certificate != nil }
  var scheme: String { isOn ? "https" : "http" }

  func check(_ admin: AdminSettings) throws(UsageError) {
    if certificate != nil, key == nil { throw UsageError("--tls-cert needs its --tls-key") }
    if key != nil, certificate == nil { throw UsageError("--tls-key needs its --tls-cert") }
    if clientAuthorities == nil, !clientNames.isEmpty {
      throw UsageError("--admin-client-names needs --admin-client-ca, which certifies the names")
    }
    for name in clientNames where name.unicodeScalars.contains(where: { $0.value < 32 }) {
      throw UsageError(
        "--admin-client-names has a name of more than one line: \(PlainText.line(name))")
    }
    guard clientAuthorities != nil else { return }
    guard isOn else {
      throw UsageError(
        "--admin-client-ca needs --tls-cert and --tls-key, for certificates belong to TLS")
    }
    guard admin.isOn == .on, admin.socketPath == nil else {
      throw UsageError("--admin-client-ca is for an admin endpoint that listens on a port")
    }
  }

  /// Returns who the server is on its ports, and on that of administrators; nil without TLS.
  func identities(_ log: Log) throws(Failure) -> (usual: TLSIdentity, admin: TLSIdentity)? {
    guard let certificate, let key else { return nil }
    let paths = TLSIdentity.Paths(certificates: certificate, key: key)
    let usual = try identity(paths, [], log)
    guard let clientAuthorities else { return (usual, usual) }
    var adminPaths = paths
    adminPaths.clientAuthorities = clientAuthorities
    return (usual, try identity(adminPaths, clientNames, log))
  }

  private func identity(
    _ paths: TLSIdentity.Paths, _ clientNames: [String], _ log: Log
  ) throws(Failure) -> TLSIdentity {
    var status = stat()
    if unsafe stat(paths.key, &status) == 0, status.st_mode & 0o077 != 0 {
      log.write(
        "the TLS key can be read by others; chmod 600", as: .warning, ["file": .text(paths.key)])
    }
    let notices = TLSLog(log, file: paths.certificates)
    do throws(TLSFileFault) {
      let identity = try TLSIdentity(paths, clientNames: clientNames) { notices.write($0) }
      notices.warn(of: identity.validSeconds)
      return identity
    } catch {
      // The others have been read by themselves before.
      let isFirst = paths.clientAuthorities == nil
      let options = isFirst ? "--tls-cert and --tls-key" : "--admin-client-ca"
      throw Failure("\(options): \(error)")
    }
  }

  // MARK: Memory

  /// Returns the limits of connections and handshakes for which there is memory, at most as many as
  /// `configuration` has, and the bytes that these and all other encrypted connections take.
  func bounded(
    _ configuration: ServerConfiguration, memoryLimit: Int
  ) -> (connections: Int, handshakes: Int, byteCount: Int) {
    guard isOn else { return (configuration.connectionLimit, configuration.handshakeLimit, 0) }
    let room = memoryLimit / Self.memoryDivisor / Self.connectionByteCount
    let handshakes = min(configuration.handshakeLimit, max(Self.leastHandshakeLimit, room / 4))
    let others = handshakes + configuration.reserveLimit + Self.otherConnectionCount
    let connections = min(
      configuration.connectionLimit, max(Self.leastConnectionLimit, room - others))
    return (connections, handshakes, (connections + others) * Self.connectionByteCount)
  }
}
