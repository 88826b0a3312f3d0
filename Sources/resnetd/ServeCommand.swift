import Checkpoint
import Decoding
import Dispatch
import Engine
import Glibc
import HTTPServer
import ModelStore
import RemoteModels
import ResNet
import Serving
import Telemetry

/// `resnetd serve`: listens at once, loads, serves until it is told to stop, drains.
enum ServeCommand: Command {
  static let name = "serve"
  static let summary = "classify pictures over HTTP"
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
    let log = Log(format: settings.logFormat.format)
    defer { log.flush() }
    let shutdown = ShutdownSignals()
    let metrics = ServingMetrics()
    let decoders = decoders(settings, spawner, metrics, log)
    let accessLog = AccessLog(log, isOn: settings.accessLog == .on)
    let service = Service(
      limits: settings.serving, metrics: metrics, servesMetrics: settings.metricsPort == nil,
      accessLog: accessLog)
    DescriptorLimit.raise(for: settings.server.connectionLimit, log: log)
    let server = try Listening.server(settings.server, service, portOption: "--port")
    metrics.watch(inFlight: { [weak server] in server?.requestsInFlight ?? 0 })
    let metricsServer = try settings.metricsServer.map { configuration in
      try Listening.server(
        configuration, MetricsService(metrics, accessLog: accessLog), portOption: "--metrics-port")
    }
    let administration = try Administration(settings, accessLog: accessLog, log: log)
    var follower = try settings.follow.follower(
      into: administration.store, metrics: metrics, log: log)
    server.start()
    metricsServer?.start()
    administration.start()
    let watch = StartWatch(log: log)
    shutdown.onFirst { [cancellation = follower?.cancellation] in
      service.beginDraining()
      cancellation?.cancel()
      watch.stop()
    }

    if follower != nil, administration.store?.live == nil {
      log.write("listening", ["address": .text(Listening.url(settings.server.host, server.port))])
    }
    // No variable here holds the first model: its memory goes when another one is live.
    let serving = try first(
      settings, administration.store, &follower, service, metrics, decoders, log
    ).map { first in
      try begin(first, settings, administration, follower, service, metrics, decoders, log)
    }
    watch.end()
    if let serving {
      write(serving.pool.live.model, settings, server.port, started, log)
    }
    if let metricsServer {
      log.write("metrics", ["url": .text(Listening.url(settings.metricsHost, metricsServer.port))])
    }
    if let address = administration.address {
      log.write("admin", [address.key: .text(address.value)])
    }

    let signal = shutdown.wait()
    log.write("draining", ["signal": .text(signal.name)])
    wait(settings.drainDelay)
    let openCount = server.drain(within: settings.drainTimeout)
    metricsServer?.drain(within: .zero)
    end(serving, administration, openCount: openCount, log)
    return .success
  }

  /// Ends the process where something is left unfinished.
  private static func end(
    _ serving: Running?, _ administration: Administration, openCount: Int, _ log: Log
  ) {
    let openChangeCount = administration.stop()
    serving?.following?.stop()
    let isChanging = serving?.deployer.close() == false
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
    serving?.pool.live.awaitDepartures()
    log.write("stopped")
  }

  /// What serves when there is a model.
  private struct Running {
    let pool: WorkerPool
    let deployer: Deployer
    let following: FollowerThread?
  }

  /// From now on requests are served, and models may be swapped.
  private static func begin(
    _ first: Deployment, _ settings: ServeSettings, _ administration: Administration,
    _ follower: Follower?, _ service: Service, _ metrics: ServingMetrics,
    _ decoders: any DecoderSource, _ log: Log
  ) throws(Failure) -> Running {
    let firstModel = try ModelSource.first(settings.model, settings.parts)
    let pool = try compiling { () throws(EngineError) in
      try WorkerPool(
        first, limits: settings.serving, metrics: metrics, log: log, decoders: decoders)
    }
    service.becomeReady(pool)
    let deployer = Deployer(
      pool, rules: rules(settings), limits: settings.serving, metrics: metrics, log: log)
    let changes = administration.becomeReady(pool, deployer, first: firstModel, log: log)
    let following = try follower.map { follower throws(Failure) in
      try FollowerThread(follower, changing: changes)
    }
    return Running(pool: pool, deployer: deployer, following: following)
  }

  /// How the first model is compiled, and every one that takes its place.
  static func rules(_ settings: ServeSettings) -> CompilationRules {
    CompilationRules(
      precision: settings.precision, settings: settings.plan, tuning: settings.tuning,
      cache: (settings.planCache ?? CacheFolder.path).map(PlanCache.init(folder:)),
      program: Version.number)
  }

  private static func write(
    _ model: LiveModel, _ settings: ServeSettings, _ port: Int,
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
    let nanoseconds = Int(duration / .nanoseconds(1))
    _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .nanoseconds(nanoseconds))
  }

  private static func milliseconds(_ duration: Duration) -> Int {
    Int((duration / .milliseconds(1)).rounded())
  }
}
