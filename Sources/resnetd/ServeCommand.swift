import Checkpoint
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

  static func run(_ settings: ServeSettings, operands: [String]) throws -> ExitCode {
    let started = ContinuousClock.now
    let log = Log(format: settings.logFormat.format)
    defer { log.flush() }
    let shutdown = ShutdownSignals()
    let metrics = ServingMetrics()
    let accessLog = AccessLog(log, isOn: settings.accessLog == .on)
    let service = Service(
      limits: settings.serving, metrics: metrics, servesMetrics: settings.metricsPort == nil,
      accessLog: accessLog)
    DescriptorLimit.raise(for: settings.server.connectionLimit, log: log)
    let server = try listen(settings.server, service, portOption: "--port")
    metrics.watch(inFlight: { [weak server] in server?.requestsInFlight ?? 0 })
    let metricsServer = try settings.metricsServer.map { configuration in
      try listen(
        configuration, MetricsService(metrics, accessLog: accessLog), portOption: "--metrics-port")
    }
    let administration = try Administration(settings, accessLog: accessLog, log: log)
    var follower = try settings.follow.follower(
      into: administration.store, metrics: metrics, log: log)
    server.start()
    metricsServer?.start()
    administration.start()
    shutdown.onFirst { [cancellation = follower?.cancellation] in
      service.beginDraining()
      cancellation?.cancel()
    }

    if follower != nil, administration.store?.live == nil {
      log.write("listening", ["address": .text(url(settings.server.host, server.port))])
    }
    // No variable here holds the first model: its memory goes when another one is live.
    let serving = try first(
      settings, administration.store, &follower, service, metrics, log
    ).map { first in
      try begin(first, settings, administration, follower, service, metrics, log)
    }
    if let serving {
      write(serving.pool.live.model, settings, server.port, started, log)
    }
    if let metricsServer {
      log.write("metrics", ["url": .text(url(settings.metricsHost, metricsServer.port))])
    }
    if let port = administration.port {
      log.write("admin", ["url": .text(url(settings.admin.host, port))])
    }

    let signal = shutdown.wait()
    log.write("draining", ["signal": .text(signal.name)])
    wait(settings.drainDelay)
    let openCount = server.drain(within: settings.drainTimeout)
    metricsServer?.drain(within: .zero)
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
    return .success
  }

  /// What serves when there is a model.
  private struct Running {
    let pool: WorkerPool
    let deployer: Deployer
    let following: FollowerThread?
  }

  static func listen(
    _ configuration: ServerConfiguration, _ handler: any RequestHandler, portOption: String
  ) throws(Failure) -> HTTPServer {
    do throws(ServerError) {
      return try HTTPServer(configuration: configuration, handler: handler)
    } catch {
      guard case .addressInUse = error else { throw Failure(error.description) }
      throw Failure("\(error); choose another with \(portOption)")
    }
  }

  /// The model to begin with, ready; nil where the program was told to stop first.
  private static func first(
    _ settings: ServeSettings, _ store: ModelStore?, _ follower: inout Follower?,
    _ service: Service, _ metrics: ServingMetrics, _ log: Log
  ) throws(Failure) -> Deployment? {
    if store?.live == nil, var following = follower {
      let first = following.first(once: settings.model != nil, progress: service.progress) {
        request throws(SwapFailure) in
        try FirstDeployment(
          request, rules: rules(settings), limits: settings.serving, metrics: metrics)
      }
      follower = following
      if let first {
        write(first.planned, log)
        return first.deployment
      }
      if following.cancellation.isCancelled { return nil }
    }
    service.progress("loading the model")
    var model = try load(settings, store, log)
    let precision = try ModelSource.precision(settings.precision, for: model)
    service.progress("compiling and measuring \(model.name)")
    let fault: String?
    let deployment: Deployment
    do throws(EngineError) {
      let planned = try rules(settings).planned(model, precision: precision)
      write(planned, log)
      // What the engine has packed need not stand in memory a second time.
      model.weights = Weights()
      fault = try planned.live.fault(in: model.goldenSamples, limits: settings.serving)
      deployment = try Deployment(
        planned.live, pictures: model.goldenSamples.map(\.encodedImage), metrics: metrics,
        decoding: settings.serving.decoding, by: "the start")
    } catch {
      throw uncompiled(error)
    }
    if let fault { throw Failure("\(model.name) does not compute what its file says: \(fault)") }
    return deployment
  }

  /// From now on requests are served, and models may be swapped.
  private static func begin(
    _ first: Deployment, _ settings: ServeSettings, _ administration: Administration,
    _ follower: Follower?, _ service: Service, _ metrics: ServingMetrics, _ log: Log
  ) throws(Failure) -> Running {
    let firstModel = try ModelSource.first(settings.model, settings.parts)
    let pool: WorkerPool
    do throws(EngineError) {
      pool = try WorkerPool(first, limits: settings.serving, metrics: metrics, log: log)
    } catch {
      throw uncompiled(error)
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

  private static func uncompiled(_ error: EngineError) -> Failure {
    Failure("the model cannot be compiled: \(error)")
  }

  /// What was live last in the store, which needs nothing from outside; else what the options name.
  private static func load(
    _ settings: ServeSettings, _ store: ModelStore?, _ log: Log
  ) throws(Failure) -> Model {
    let warn = { (warning: String) in log.write("warning: \(warning)") }
    if let live = store?.live, let path = store?.path(of: live.version) {
      log.write(
        "the model that was live last",
        ["version": .text(live.version.short), "by": .text(live.by)]
      )
      return try ModelSource.load(path, isNamed: false, warn: warn)
    }
    return try ModelSource.load(settings.model, settings.parts, warn: warn)
  }

  /// How the first model is compiled, and every one that takes its place.
  private static func rules(_ settings: ServeSettings) -> CompilationRules {
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
        "url": .text(url(settings.server.host, port)), "model": .text(model.name),
        "version": .text(model.version.short), "classes": .integer(model.labels.count),
        "precision": .text(model.precision.rawValue), "workers": .integer(model.plan.workers),
        "ms": .integer(milliseconds(.now - started)),
      ])
  }

  private static func write(_ planned: PlannedModel, _ log: Log) {
    let plan = planned.live.plan
    log.write(
      "plan: \(planned.description)",
      [
        "workers": .integer(plan.workers), "threads": .integer(plan.threads),
        "max_batch": .integer(plan.maxBatch),
        "max_queue_delay_ms": .thousandths(Int(plan.maxQueueDelay / .microseconds(1))),
        "kept": .text(planned.isKept ? "yes" : "no"),
      ])
  }

  private static func wait(_ duration: Duration) {
    let nanoseconds = Int(duration / .nanoseconds(1))
    _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .nanoseconds(nanoseconds))
  }

  private static func url(_ host: String, _ port: Int) -> String {
    host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
  }

  private static func milliseconds(_ duration: Duration) -> Int {
    Int((duration / .milliseconds(1)).rounded())
  }
}
