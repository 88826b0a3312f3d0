import Checkpoint
import Glibc
import HTTPServer
import Serving
import Telemetry

/// `resnetd serve --check`: what holds, why, and whether what is named can be used.
struct ServeCheck {
  let settings: ServeSettings

  init(_ settings: ServeSettings) { self.settings = settings }

  /// Prints every option that has a value, and where it comes from; then tries the addresses to listen
  /// at, and loads certificate, keys and model. No store is opened.
  func run() throws(Failure) -> ExitCode {
    let rows = ServeSettings.effective(settings).map { option in
      let origin = settings.origins[option.name].map { "\($0)" } ?? "default"
      return [option.name, option.value, origin]
    }
    StandardOutput.write(TextTable(rows: [["OPTION", "VALUE", "FROM"]] + rows).text)
    for warning in settings.warnings { StandardError.write("resnetd serve: warning: \(warning)") }
    let log = Log(format: .text)
    defer { log.flush() }
    if let identities = try settings.tls.identities(log) {
      let bounded = settings.requestServer(identities.usual).connectionLimit
      StandardOutput.write("TLS: the certificate and its key fit, \(bounded) connections at most")
    }
    if let keys = try settings.keys.list() {
      let rows = keys.entries.map { [$0.name, $0.rate?.words ?? "no limit"] }
      StandardOutput.write("API keys: \(rows.count)\n\(TextTable(rows: rows).text)")
    }
    let (tracing, warnings) = settings.tracing.read()
    for warning in warnings { StandardError.write("resnetd serve: warning: \(warning)") }
    if let tracing { StandardOutput.write("spans: sent to \(tracing.place)") }
    try checkListeners()
    try checkStateFolder()
    let model = try ModelSource.load(settings.model, settings.parts)
    StandardOutput.write(
      "model: \(model.name), version \(model.version.short), \(model.labels.count) classes"
        + (settings.admin.stateFolder == nil || settings.admin.prefersModel
          ? "" : "; one that is live in --state-dir is served in its place"))
    StandardOutput.write("ok")
    return .success
  }

  /// Throws if an address cannot be listened at. One that is in use is only told: by the server that is to
  /// be restarted, more often than not.
  private func checkListeners() throws(Failure) {
    for (option, host, port) in listeners {
      do throws(ServerError) {
        try HTTPServer.tryListening(host: host, port: port)
      } catch {
        guard case .addressInUse = error else { throw Failure("\(option): \(error)") }
        StandardOutput.write(
          "\(option): port \(port) on \(host) is in use now; this server starts when it is free")
      }
    }
  }

  /// Ports to listen at, by option.
  private var listeners: [(option: String, host: String, port: Int)] {
    var listeners: [(option: String, host: String, port: Int)] = []
    if settings.server.socketPath == nil {
      listeners.append(("--port", settings.server.host, settings.server.port))
    }
    if let port = settings.metricsPort {
      listeners.append(("--metrics-port", settings.metricsHost, port))
    }
    if settings.admin.isOn == .on, settings.admin.socketPath == nil {
      listeners.append(("--admin-port", settings.admin.host, settings.admin.port))
    }
    return listeners
  }

  /// Throws if the state folder cannot be written, or made.
  private func checkStateFolder() throws(Failure) {
    guard let folder = settings.admin.stateFolder else { return }
    // What is missing is made in the nearest folder that is there.
    var place = folder[...]
    while !place.isEmpty, unsafe access(String(place), F_OK) != 0, errno == ENOENT {
      place = place[..<(place.lastIndex(of: "/") ?? place.startIndex)]
    }
    let nearest = place.isEmpty ? (folder.hasPrefix("/") ? "/" : ".") : String(place)
    guard unsafe access(nearest, W_OK | X_OK) == 0 else {
      throw Failure("--state-dir \(folder): \(nearest): \(unsafe String(cString: strerror(errno)))")
    }
  }
}
