import Decoding
import Machine
import Serving
import Telemetry

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

  static let examples = [
    CommandExample("resnetd serve", "serve the embedded model on http://127.0.0.1:8080"),
    CommandExample(
      "resnetd serve --host 0.0.0.0 --model model.safetensors --state-dir /var/lib/resnetd",
      "serve a model to others, and keep those that are uploaded"),
    CommandExample(
      "resnetd serve --config /etc/resnetd/resnetd.conf --check",
      "say what a configuration means and whether it works"),
  ]

  static let decodes = true

  static func run(_ settings: ServeSettings, operands: [String]) throws -> ExitCode {
    try run(settings, operands: operands, spawner: nil)
  }

  static func run(
    _ settings: ServeSettings, operands: [String], spawner: Spawner?
  ) throws -> ExitCode {
    let started = ContinuousClock.now
    try settings.check()
    let manager = try ServiceManager()
    if settings.isCheck { ShutdownSignals.letGo() }
    // Computed before there is a log, whose thread would be waited for.
    let plan = ServingProcess.memoryPlan(settings)
    try DescriptorLimit.check()
    try ResourceCheck.check(
      threads: settings.threadCount,
      byteCount: plan.programByteCount + settings.mappedByteCount)
    if settings.isCheck { return try ServeCheck(settings, plan, spawner).run() }
    let log = Log(format: settings.logFormat.format)
    defer { log.flush() }
    let process = try ServingProcess(settings, plan, spawner, manager, log)
    let serving = try process.serve(since: started)
    process.stop(serving)
    return .success
  }
}
