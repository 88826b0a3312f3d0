import Checkpoint
import Decoding
import Engine
import Files
import Glibc
import HTTPServer
import Inference
import Machine
import ModelStore
import RemoteModels
import Serving
import Telemetry

/// `resnetd serve --check`: what holds, why, and whether a server can begin so.
///
/// Everything is done that a start does, up to a model that is proved, but nothing that changes
/// anything: no listener stays, and the state folder is only read. What it cannot know is said: an
/// address or folder that somebody uses now, and a model that a remote store would name.
struct ServeCheck {
  let settings: ServeSettings
  private let plan: MemoryPlan
  private let spawner: Spawner?

  init(_ settings: ServeSettings, _ plan: MemoryPlan, _ spawner: Spawner?) {
    (self.settings, self.plan, self.spawner) = (settings, plan, spawner)
  }

  /// Prints every option that has a value, and where it comes from; then tries the addresses to listen
  /// at, loads certificate and keys, reads the state folder, and loads, compiles and proves the model.
  func run() throws -> ExitCode {
    let rows = ServeSettings.effective(settings).map { option in
      let origin = settings.origins[option.name].map { "\($0)" } ?? "default"
      return [option.name, option.value, origin]
    }
    StandardOutput.write(TextTable(rows: [["OPTION", "VALUE", "FROM"]] + rows).text)
    for warning in settings.warnings { warn(warning) }
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
    // Writes a line itself if its file has none.
    _ = try settings.admin.token(log)
    let (tracing, warnings) = settings.tracing.read()
    for warning in warnings { warn(warning) }
    if let tracing { StandardOutput.write("spans: sent to \(tracing.place)") }
    checkAuthorities()
    DescriptorLimit.raise(for: settings.requestServer(nil), log: log)
    try checkListeners()
    try checkSockets()
    let model = try checkedModel(try stateFolder(), log)
    let none = "none before an administrator or the model store names one"
    StandardOutput.write("model: \(model ?? none)")
    StandardOutput.write(
      model == nil ? "a server would start, and not be ready before that" : "ok")
    return .success
  }

  /// Says by which authorities other servers are trusted.
  private func checkAuthorities() {
    guard let authorities = settings.authorities else { return }
    if let fault = authorities.fault {
      warn(fault)
    } else {
      StandardOutput.write("authorities: \(authorities)")
    }
  }

  private func warn(_ text: String) { StandardError.write("resnetd serve: warning: \(text)") }

  // MARK: The model

  /// Proves the model that a server would begin with, and describes it; nil if it would wait for one.
  private func checkedModel(_ store: StoreInspection?, _ log: Log) throws(Failure) -> String? {
    if !settings.admin.prefersModel {
      if let loss = store?.loss {
        guard settings.admin.isOn == .on || settings.follow.source != nil else {
          throw ServingProcess.unknownModel(loss)
        }
        warn(
          "not ready: \(loss); upload a model, activate a kept version, or name one by --model and --prefer-model"
        )
        return nil
      }
      if let source = settings.follow.source, store?.live?.record.isChosen != true {
        if let fault = settings.follow.folderFault {
          warn("cannot follow: \(fault)")
          return nil
        }
        return "the one that \(source) names, which is fetched by a start alone"
      }
    }
    let metrics = ServingMetrics()
    let (memory, program) = try ServingProcess.budget(plan)
    let context = ServingContext(
      limits: settings.serving, metrics: metrics, log: log,
      decoders: ServingProcess.decoders(settings, spawner, memory, metrics, log), memory: memory)
    var rules = settings.rules
    // A measurement would compete with a server that is at work.
    rules.tuning = .off
    let live = store?.live.map { KeptModel(record: $0.record, path: $0.path) }
    let proved = try OpeningModel(
      settings: settings, context: context, live: live, rules: rules, onProgress: { _ in }
    ).begin()
    let model = proved.deployment.model
    let origin = proved.source == nil ? ", live in --state-dir" : ""
    return withExtendedLifetime(program) {
      "\(model.name), version \(model.version.short)\(origin), \(model.labels.count) classes, "
        + "in \(model.precision.rawValue): compiled and tried"
    }
  }

  // MARK: The state folder

  /// Reads the state folder; nil if there is none, or nothing in it yet. Throws if it cannot be read
  /// and written, or made.
  private func stateFolder() throws(Failure) -> StoreInspection? {
    guard let folder = settings.admin.stateFolder else { return nil }
    try checkAccess(to: folder)
    let found: StoreInspection?
    do throws(StoreError) { found = try StoreInspection(folder: folder) } catch {
      throw Failure("--state-dir: \(error)")
    }
    guard let found else {
      StandardOutput.write("--state-dir: \(folder) holds no models yet")
      return nil
    }
    if found.isInUse {
      StandardOutput.write(
        "--state-dir: \(folder) is in use by another server now; this server starts when that has ended"
      )
    }
    for notice in found.notices { warn("--state-dir: \(notice)") }
    return found
  }

  // MARK: Addresses

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

  /// Throws if a Unix socket cannot be listened on. One that is in use is only told, like a port.
  private func checkSockets() throws(Failure) {
    let admin = settings.admin.isOn == .on ? settings.admin.socketPath : nil
    for (option, path) in [("--socket", settings.server.socketPath), ("--admin-socket", admin)] {
      guard let path else { continue }
      do throws(ServerError) { try HTTPServer.tryListening(path: path) } catch {
        guard case .pathInUse = error else { throw Failure("\(option): \(error)") }
        StandardOutput.write(
          "\(option): another program listens on \(path) now; this server starts when that has ended"
        )
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

  /// Throws if this user cannot write to the state folder, or make it.
  private func checkAccess(to folder: String) throws(Failure) {
    var place = folder
    var status = stat()
    if unsafe access(folder, F_OK) != 0, errno == ENOENT {
      guard unsafe lstat(folder, &status) != 0 else {
        throw Failure(
          "--state-dir: cannot open \(folder): it is a link to a place that is not there; "
            + Administration.folderRemedy)
      }
      // A start makes it, but not the folders above it.
      place = Self.parent(of: folder)
      guard unsafe access(place, F_OK) == 0 || errno != ENOENT else {
        throw Failure("--state-dir: \(StoreError.noParent(of: folder))")
      }
    }
    if unsafe stat(place, &status) == 0, status.st_mode & S_IFMT != S_IFDIR {
      throw Failure("--state-dir: cannot open \(place): \(SystemError.text(ENOTDIR))")
    }
    for path in [place, folder + "/versions", folder + "/incoming"] {
      let isThere = unsafe access(path, F_OK) == 0
      guard isThere,
        let reason = FolderAccess.reasonNotPermitted(AT_FDCWD, path)
          ?? FolderAccess.reasonNotMade(AT_FDCWD, path)
      else { continue }
      throw Failure(
        "--state-dir: \(path) cannot be written: \(reason); \(Administration.folderRemedy)")
    }
  }

  private static func parent(of folder: String) -> String {
    var path = folder[...]
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
