import Checkpoint
import Decoding
import Dispatch
import Engine
import Following
import Glibc
import HTTPCore
import HTTPServer
import Inference
import Machine
import ModelStore
import RemoteModels
import Serving
import Telemetry
import Time

/// A server from its first socket to its last answer.
///
///     init ── listens, answers probes and administrators, without a model
///     serve ─ loads, compiles and proves the first one, serves
///     stop ── waits for a signal, drains, ends
struct ServingProcess {
  /// The parts that serve once there is a model.
  struct Running {
    let pool: WorkerPool
    let changes: ModelAdministration
  }

  let settings: ServeSettings
  let context: ServingContext
  let service: Service
  let administration: Administration
  private let plan: MemoryPlan
  private let manager: ServiceManager
  /// Reservation of the program's own memory, for the life of the process.
  private let program: Reservation
  private let shutdown: ShutdownSignals
  private let server: HTTPServer
  private let metricsServer: HTTPServer?
  /// Place of the first model; nil if one is known.
  private let vacancy: Vacancy?
  private let following: FollowerThread?
  private let spans: SpanSender?
  private let watch: StartWatch

  /// Listens; nobody is served yet.
  init(
    _ settings: ServeSettings, _ plan: MemoryPlan, _ spawner: Spawner?,
    _ manager: ServiceManager, _ log: Log
  ) throws {
    (self.settings, self.plan, self.manager) = (settings, plan, manager)
    shutdown = try ShutdownSignals(log: log)
    for warning in settings.warnings + [settings.authorities?.fault].compactMap(\.self) {
      log.write(warning, as: .warning)
    }
    let metrics = ServingMetrics()
    metrics.watch(droppedLogLines: { log.droppedLineCount })
    let accessLog = AccessLog(log, isOn: settings.accessLog == .on)
    let memory: MemoryBudget
    (memory, program) = try Self.budget(plan)
    metrics.watch(memory: memory)
    context = ServingContext(
      limits: settings.serving, metrics: metrics, log: log,
      decoders: Self.decoders(settings, spawner, memory, metrics, log), memory: memory)
    let spans = settings.tracing.sender(metrics, log)
    self.spans = spans
    let isLocal = settings.requestServer(nil, inherited: manager.listeners.requests).isLocal
    let scheme = isLocal ? "http" : settings.tls.scheme
    service = Service(
      limits: settings.serving, metrics: metrics,
      servesMetrics: settings.metricsPort == nil && manager.listeners.metrics == nil,
      crossOrigin: settings.crossOrigin, keys: try settings.keys.keys(metrics, shutdown, log),
      fetcher: settings.fetching.isOff
        ? nil : try ImageFetcher(RemoteImages(), settings.fetching),
      version: Version.number, scheme: scheme, accessLog: accessLog,
      tracer: spans.map { spans in
        RequestTracer(spans.queue, spans.options.sampler, scheme: scheme)
      }, memory: memory)
    let identities = try settings.tls.identities(log)
    let configuration = settings.requestServer(
      identities?.usual, inherited: manager.listeners.requests)
    if let identities {
      Self.watch(
        identities.usual, identities.admin, connectionLimit: configuration.connectionLimit, metrics,
        shutdown, log)
    }
    DescriptorLimit.raise(for: configuration, log: log)
    let server = try Listening.server(configuration, service, portOption: "--port")
    self.server = server
    metrics.watch(inFlight: { [weak server] in server?.requestsInFlight ?? 0 })
    metrics.watch(
      connections: { [weak server] in server?.connectionCount ?? 0 },
      limit: configuration.connectionLimit)
    metricsServer = try settings.metricsServer(
      identities?.usual, inherited: manager.listeners.metrics
    ).map { configuration in
      try Listening.server(
        configuration, MetricsService(metrics, accessLog: accessLog), portOption: "--metrics-port")
    }
    administration = try Administration(
      settings, identities?.admin, inherited: manager.listeners.admin, accessLog: accessLog,
      log: log)
    if let folder = administration.folder {
      metrics.watch(stateFolder: { folder.gauge })
      folder.start()
    }
    if let token = administration.token {
      shutdown.onReload(of: "the admin token") { token.reread() }
    }
    let follower = try settings.follow.follower(
      into: administration.store, metrics: metrics, log: log)
    server.start()
    metricsServer?.start()
    administration.start()
    try spans?.start()
    vacancy = try Self.vacancy(
      settings, administration, isFollowing: follower != nil, service, context)
    following = try follower.map { [vacancy] follower throws(Failure) in
      let thread = FollowerThread(
        follower, FollowerDesk(vacancy),
        once: settings.model != nil && vacancy?.store.standing.loss == nil)
      guard let thread else { throw Failure("no thread can be started") }
      return thread
    }
    watch = StartWatch(log: log)
    shutdown.onFirst { [cancellation = follower?.cancellation, service, watch, vacancy] in
      service.beginDraining()
      cancellation?.cancel()
      watch.stop()
      // It waits for a proof to end, and the next signal must not wait for it.
      if let vacancy { WorkerThread { vacancy.stop() }?.detach() }
    }
  }

  /// Says what encrypts connections, shows it in the metrics, and reads it again when told to.
  private static func watch(
    _ usual: TLSIdentity, _ admin: TLSIdentity, connectionLimit: Int, _ metrics: ServingMetrics,
    _ shutdown: ShutdownSignals, _ log: Log
  ) {
    log.write(
      "TLS",
      [
        "connections": .integer(connectionLimit),
        "valid_until": .text(
          HTTPDate.text(secondsSinceEpoch: usual.validSeconds.upperBound)),
      ])
    metrics.watch(tls: { TLSGauge([usual, admin]) })
    shutdown.onReload(of: "the TLS certificate") {
      let isTaken = usual.reread()
      return admin === usual ? isTaken : admin.reread() && isTaken
    }
  }

  var log: Log { context.log }

  // MARK: Serving

  /// Serves from the first model on; returns nil if the program was told to stop before there was
  /// one.
  func serve(since started: ContinuousClock.Instant) throws(Failure) -> Running? {
    if vacancy != nil {
      // What it waits for comes by its own listeners, which are there.
      manager.tell("READY=1\nSTATUS=waiting for a model")
      log.write(
        "listening",
        [
          "address": .text(Listening.url(settings, server.port)),
          "admin": .text(administration.address?.value ?? "-"),
        ])
    }
    // No variable here holds the first model: its memory is released when another one is live.
    let serving = try first(vacancy).map { first throws(Failure) in try begin(first) }
    watch.end()
    // Before it is ready, no sign of life is expected.
    manager.watch(server)
    if serving != nil { Self.write(plan, context.memory, log) }
    if let metricsServer {
      log.write(
        "metrics",
        ["url": .text(Listening.url(settings.tls.scheme, settings.metricsHost, metricsServer.port))]
      )
    }
    // Every version that is shown can then be activated.
    serving?.changes.keepFirst()
    if let address = administration.address {
      log.write("admin", [address.key: .text(address.value)])
    }
    // Last: whoever waits for this line finds everything else in place.
    if let serving {
      writeReady(serving.pool.live.model, started)
      following?.open(serving.changes)
    }
    return serving
  }

  /// Begins to serve requests.
  private func begin(_ first: OpeningModel.Proved) throws(Failure) -> Running {
    let pool: WorkerPool
    do throws(EngineError) {
      pool = try WorkerPool(first.deployment, context) { [log] in Self.endLost($0, log) }
    } catch {
      throw Failure("the model cannot be compiled: \(error)")
    }
    let deployer = Deployer(pool, rules: settings.rules, turns: administration.turns)
    let changes = ModelAdministration(
      pool: pool, deployer: deployer, store: administration.store, first: first.source, log: log)
    // Administrators come first: a client that sees that it is ready may be one.
    administration.becomeReady(changes)
    service.becomeReady(pool)
    return Running(pool: pool, changes: changes)
  }

  private func writeReady(_ model: CompiledModel, _ started: ContinuousClock.Instant) {
    let duration = ContinuousClock.now - started
    manager.tell("READY=1\nSTATUS=serving \(model.name)")
    log.write(
      "ready",
      [
        "url": .text(Listening.url(settings, server.port)),
        "model": .text(model.name),
        "version": .text(model.version.short), "classes": .integer(model.labels.count),
        "precision": .text(model.precision.rawValue), "workers": .integer(model.plan.workers),
        "ms": .integer(Int((duration / .milliseconds(1)).rounded())),
      ])
  }

  // MARK: The end

  /// Returns after the signal to stop, when everything is answered; ends the process if something
  /// is left.
  func stop(_ serving: Running?) {
    let signal = shutdown.wait()
    log.write("draining", ["signal": .text(signal.name)])
    manager.tell("STOPPING=1\nSTATUS=draining")
    _ = DispatchSemaphore(value: 0).wait(for: settings.drainDelay)
    let openCount = server.drain(within: settings.drainTimeout)
    metricsServer?.drain(within: .zero)
    following?.stop()
    let openChangeCount = administration.stop()
    let isChanging = !administration.turns.close()
    spans?.stop()
    guard openCount == 0, openChangeCount == 0, !isChanging else {
      log.write(
        "stopped with requests unfinished", as: .warning,
        [
          "connections": .integer(openCount), "admin_connections": .integer(openChangeCount),
          "swap": .text(isChanging ? "yes" : "no"),
        ])
      log.flush()
      // Threads still compute, and `exit` would destroy what the libraries use meanwhile.
      _exit(ExitCode.failure.rawValue)
    }
    // The last chance of a rollback that the disk had not taken.
    _ = try? administration.store?.recordAssumed()
    serving?.pool.close()
    serving?.pool.live.awaitReleases()
    withExtendedLifetime(program) { log.write("stopped") }
  }
}
