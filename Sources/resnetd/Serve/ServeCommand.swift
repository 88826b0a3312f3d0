import Checkpoint
import Decoding
import Dispatch
import Engine
import Following
import Glibc
import HTTPServer
import Inference
import Machine
import ModelStore
import RemoteModels
import ResNet
import Serving
import Telemetry
import Time

/// `resnetd serve`: listens at once, loads, serves until it is told to stop, drains.
enum ServeCommand: Command {
  static let name = "serve"
  static let summary = "classify images over HTTP"
  static let operands = ""
  static let discussion = """
    Serves /classify, the probes /livez, /readyz, /startupz and /healthz, /metrics, and a page
    at /, until SIGTERM or SIGINT; then finishes what is in progress and exits with 0, or with 1
    where something was left unfinished. A second signal ends it at once.
    """
  static var options: [Option<ServeSettings>] { ServeSettings.options }

  static let decodes = true

  static func run(_ settings: ServeSettings, operands: [String]) throws -> ExitCode {
    try run(settings, operands: operands, spawner: nil)
  }

  static func run(
    _ settings: ServeSettings, operands: [String], spawner: Spawner?
  ) throws -> ExitCode {
    let started = ContinuousClock.now
    try settings.check()
    // Before there is a log, whose thread would be waited for.
    let plan = memoryPlan(settings)
    try ResourceCheck.check(
      threads: settings.threadCount,
      byteCount: plan.programByteCount + settings.mappedByteCount)
    let log = Log(format: settings.logFormat.format)
    defer { log.flush() }
    let shutdown = try ShutdownSignals(log: log)
    for warning in settings.warnings { log.write("warning: \(warning)") }
    let metrics = ServingMetrics()
    metrics.watch(droppedLogLines: { log.droppedLineCount })
    let accessLog = AccessLog(log, isOn: settings.accessLog == .on)
    let (memory, program) = try budget(plan)
    // Taken for as long as the process lives.
    defer { withExtendedLifetime(program) {} }
    metrics.watch(memory: memory)
    let resources = Resources(
      memory: memory, decoders: decoders(settings, spawner, memory, metrics, log))
    let service = Service(
      limits: settings.serving, metrics: metrics, servesMetrics: settings.metricsPort == nil,
      accessLog: accessLog, memory: memory)
    let configuration = settings.requestServer
    DescriptorLimit.raise(
      for: configuration.connectionLimit + configuration.reserveLimit, log: log)
    let server = try Listening.server(configuration, service, portOption: "--port")
    metrics.watch(inFlight: { [weak server] in server?.requestsInFlight ?? 0 })
    let metricsServer = try settings.metricsServer.map { configuration in
      try Listening.server(
        configuration, MetricsService(metrics, accessLog: accessLog), portOption: "--metrics-port")
    }
    let administration = try Administration(settings, accessLog: accessLog, log: log)
    if let store = administration.store {
      metrics.watch(isRecorded: { store.standing.recordFault == nil })
    }
    if let token = administration.token {
      shutdown.onReload(of: "the admin token") { token.reread() }
    }
    let follower = try settings.follow.follower(
      into: administration.store, metrics: metrics, log: log)
    server.start()
    metricsServer?.start()
    administration.start()
    let vacancy = try Self.vacancy(
      settings, administration, isFollowing: follower != nil, service, metrics, resources, log)
    let following = try follower.map { follower throws(Failure) in
      let thread = FollowerThread(
        follower, FollowerDesk(vacancy),
        once: settings.model != nil && vacancy?.store.standing.loss == nil)
      guard let thread else { throw Failure("no thread can be started") }
      return thread
    }
    let watch = StartWatch(log: log)
    shutdown.onFirst { [cancellation = follower?.cancellation] in
      service.beginDraining()
      cancellation?.cancel()
      watch.stop()
      // It waits for a proof to end, and the next signal must not wait for it.
      if let vacancy { WorkerThread { vacancy.stop() }?.detach() }
    }

    if vacancy != nil {
      log.write(
        "listening",
        [
          "address": .text(Listening.url(settings.server.host, server.port)),
          "admin": .text(administration.address?.value ?? "-"),
        ])
    }
    // No variable here holds the first model: its memory goes when another one is live.
    let serving = try first(
      settings, administration, vacancy, service, metrics, resources, log
    ).map { first in
      try begin(first, settings, administration, service, metrics, resources, log)
    }
    watch.end()
    if let serving {
      write(serving.pool.live.model, settings, server.port, started, log)
      write(plan, memory, log)
    }
    if let metricsServer {
      log.write("metrics", ["url": .text(Listening.url(settings.metricsHost, metricsServer.port))])
    }
    if let serving {
      // So that what is shown can be activated.
      serving.changes.keepFirst()
      following?.open(serving.changes)
    }
    if let address = administration.address {
      log.write("admin", [address.key: .text(address.value)])
    }

    let signal = shutdown.wait()
    log.write("draining", ["signal": .text(signal.name)])
    wait(settings.drainDelay)
    let openCount = server.drain(within: settings.drainTimeout)
    metricsServer?.drain(within: .zero)
    following?.stop()
    end(serving, administration, openCount: openCount, log)
    return .success
  }

  /// Ends the process where something is left unfinished.
  private static func end(
    _ serving: Running?, _ administration: Administration, openCount: Int, _ log: Log
  ) {
    let openChangeCount = administration.stop()
    let isChanging = !administration.turns.close()
    guard openCount == 0, openChangeCount == 0, !isChanging else {
      log.write(
        "stopped with requests unfinished",
        [
          "connections": .integer(openCount), "admin_connections": .integer(openChangeCount),
          "swap": .text(isChanging ? "yes" : "no"),
        ])
      log.flush()
      // Threads compute still, and `exit` would destroy what the libraries keep while they use it.
      _exit(ExitCode.failure.rawValue)
    }
    serving?.pool.close()
    serving?.pool.live.awaitReleases()
    log.write("stopped")
  }

  /// What everything that is served takes its part of.
  struct Resources: Sendable {
    let memory: MemoryBudget
    let decoders: any DecoderSource
  }

  /// What serves when there is a model.
  private struct Running {
    let pool: WorkerPool
    let changes: ModelAdministration
  }

  /// From now on requests are served.
  private static func begin(
    _ first: Beginning, _ settings: ServeSettings, _ administration: Administration,
    _ service: Service, _ metrics: ServingMetrics, _ resources: Resources, _ log: Log
  ) throws(Failure) -> Running {
    let pool = try compiling { () throws(EngineError) in
      try WorkerPool(
        first.deployment, limits: settings.serving, metrics: metrics, log: log,
        decoders: resources.decoders, memory: resources.memory
      ) { finding in endLost(finding, log) }
    }
    let deployer = Deployer(
      pool, rules: rules(settings), limits: settings.serving, metrics: metrics, log: log,
      turns: administration.turns, availableMemory: { available(of: resources.memory) })
    let changes = ModelAdministration(
      pool: pool, deployer: deployer, store: administration.store, first: first.source, log: log)
    // Administrators first: who sees that it is ready may be one.
    administration.becomeReady(changes)
    service.becomeReady(pool)
    return Running(pool: pool, changes: changes)
  }

  /// How the first model is compiled, and every one that takes its place.
  static func rules(_ settings: ServeSettings) -> CompilationRules {
    CompilationRules(
      precision: settings.precision, settings: settings.plan, tuning: settings.tuning,
      cache: (settings.planCache ?? CacheFolder.path).map(PlanCache.init(folder:)),
      program: Version.number)
  }

  private static func write(
    _ model: CompiledModel, _ settings: ServeSettings, _ port: Int,
    _ started: ContinuousClock.Instant, _ log: Log
  ) {
    log.write(
      "ready",
      [
        "url": .text(Listening.url(settings.server.host, port)), "model": .text(model.name),
        "version": .text(model.version.short), "classes": .integer(model.labels.count),
        "precision": .text(model.precision.rawValue), "workers": .integer(model.plan.workers),
        "ms": .integer(milliseconds(.now - started)),
      ])
  }

  private static func wait(_ duration: Duration) {
    _ = DispatchSemaphore(value: 0).wait(for: duration)
  }

  private static func milliseconds(_ duration: Duration) -> Int {
    Int((duration / .milliseconds(1)).rounded())
  }
}
