import Checkpoint
import Dispatch
import Engine
import HTTPServer
import ModelStore
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
    server.start()
    metricsServer?.start()
    administration.start()
    shutdown.onFirst { service.beginDraining() }

    let pool = try makePool(settings, administration.store, service, metrics, log)
    service.becomeReady(pool)
    administration.becomeReady(
      pool,
      Deployer(
        pool, rules: rules(settings), limits: settings.serving, metrics: metrics, log: log),
      first: try ModelSource.first(settings.model, settings.parts), log: log)
    log.write(
      "ready",
      [
        "url": .text(url(settings.server.host, server.port)), "model": .text(pool.live.model.name),
        "version": .text(pool.live.model.version.short),
        "classes": .integer(pool.live.model.labels.count),
        "precision": .text(pool.live.model.precision.rawValue),
        "workers": .integer(pool.live.model.plan.workers),
        "ms": .integer(milliseconds(.now - started)),
      ])
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
    administration.stop()
    guard openCount == 0 else {
      log.write("stopped with requests unfinished", ["connections": .integer(openCount)])
      return .failure
    }
    pool.close()
    log.write("stopped")
    return .success
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

  private static func makePool(
    _ settings: ServeSettings, _ store: ModelStore?, _ service: Service,
    _ metrics: ServingMetrics, _ log: Log
  ) throws(Failure) -> WorkerPool {
    service.progress("loading the model")
    var model = try load(settings, store, log)
    let precision = try ModelSource.precision(settings.precision, for: model)
    service.progress("compiling and measuring \(model.name)")
    do throws(EngineError) {
      let planned = try rules(settings).planned(model, precision: precision)
      write(planned, log)
      // What the engine has packed need not stand in memory a second time.
      model.weights = Weights()
      let first = try Deployment(
        planned.live, pictures: model.goldenSamples.map(\.encodedImage), metrics: metrics,
        decoding: settings.serving.decoding, by: "the start")
      return try WorkerPool(first, limits: settings.serving, metrics: metrics, log: log)
    } catch {
      throw Failure("the model cannot be compiled: \(error)")
    }
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
      return try ModelSource.load(path, warn: warn)
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
