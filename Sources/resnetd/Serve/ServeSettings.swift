import Checkpoint
import Engine
import HTTPCore
import HTTPServer
import Imaging
import Inference
import Machine
import RemoteModels
import Serving
import Telemetry

/// Settings of `resnetd serve`.
struct ServeSettings: DecodingSettings {
  /// Format of log lines; `auto` is text on a terminal and JSON elsewhere.
  enum LogChoice: String, CaseIterable, Sendable {
    case auto, text, json

    var format: LogFormat? { LogFormat(rawValue: rawValue) }
  }

  /// Permissions of a Unix socket.
  enum SocketMode: String, CaseIterable, Sendable {
    case user = "600"
    case group = "660"
    case all = "666"

    var bits: UInt32 {
      switch self {
      case .user: 0o600
      case .group: 0o660
      case .all: 0o666
      }
    }
  }

  var server = ServerConfiguration()
  var serving = ServingLimits()
  var decoders = DecoderSettings()
  var model: String?
  var parts = ModelParts()
  /// Limit of memory; if nil, the control group's or the machine's.
  var memoryLimit: Int?
  var precision = PrecisionPolicy.auto
  var plan = CPUPlan.Settings()
  var tuning = Tuning.auto
  /// Folder of cached plans; if nil, in the user's own cache folder.
  var planCache: String?
  var drainDelay = Duration.zero
  var drainTimeout = Duration.seconds(25)
  var logFormat = LogChoice.auto
  var accessLog = Switch.on
  /// Port of the metrics; if nil, the serving port.
  var metricsPort: Int?
  var metricsHost = "127.0.0.1"
  /// Web pages of other origins that may read answers.
  var crossOrigin = CrossOriginRule.off
  /// Servers that images are fetched from.
  var fetching = FetchRule.off
  var tls = TLSSettings()
  var keys = KeySettings()
  var admin = AdminSettings()
  var follow = FollowSettings()
  var tracing = TracingSettings()
  var socketMode = SocketMode.group
  /// File with further options.
  var configuration: String?
  /// Whether only to say what holds, and whether it can.
  var isCheck = false
  /// Warnings about the environment, for the log.
  private(set) var warnings: [String] = []
  /// Places that the options come from, by name.
  private(set) var origins: [String: OptionOrigin] = [:]

  mutating func take(origins: [String: OptionOrigin]) { self.origins = origins }

  mutating func take(warnings: [String], of command: String) { self.warnings = warnings }

  /// Throws if options contradict each other, or one needs another that is missing.
  func check() throws(UsageError) {
    if admin.prefersModel, model == nil {
      throw UsageError("--prefer-model needs --model, which it prefers")
    }
    try admin.check()
    try tls.check(admin)
    try follow.check(stateFolder: admin.stateFolder)
    try tracing.check()
    try checkPorts()
  }

  /// Number of threads that a server with these settings has at least.
  var threadCount: Int {
    (plan.workers ?? CPUAllowance.current.cores) + server.ioQueueCount + Self.otherThreadCount
      + (fetching.isOff ? 0 : ImageFetcher.threadCount) + (tracing.isOn ? 1 : 0)
  }

  /// Authorities by which other servers are trusted; nil if none is asked over TLS.
  var authorities: Authorities? {
    let usesTLS =
      fetching.usesTLS || follow.usesTLS
      || tracing.read().options?.url.hasPrefix("https://") == true
    return usesTLS ? Authorities() : nil
  }

  /// Bytes of addresses that it maps besides threads and the program itself: a decoder's images for
  /// each worker, and what the engine generates and arranges, whose libraries do not survive a
  /// refusal.
  var mappedByteCount: Int {
    let isUsual = model.map { $0 == EmbeddedModel.usual.name } ?? true
    return (plan.workers ?? CPUAllowance.current.cores) * Self.workerMappedByteCount
      + (isUsual ? Self.usualEngineMappedByteCount : Self.engineMappedByteCount)
  }

  /// Returns the configuration of the port for requests.
  func requestServer(
    _ identity: TLSIdentity?, inherited: CInt? = nil
  ) -> ServerConfiguration {
    var configuration = server
    configuration.inherited = inherited
    configuration.socketMode = socketMode.bits
    configuration.limits.requestTimeout = serving.requestTimeout
    configuration.identity = configuration.isLocal ? nil : identity
    let bounded = tls.bounded(server, memoryLimit: knownMemoryLimit)
    (configuration.connectionLimit, configuration.handshakeLimit) =
      (bounded.connections, bounded.handshakes)
    return configuration
  }

  /// Limit of memory that holds; more than any machine has if none is known.
  private var knownMemoryLimit: Int { memoryLimit ?? MemoryAllowance.limit ?? 1 << 46 }

  /// Bytes that clients may have buffered, what encrypted connections and images of other servers take
  /// beside their bodies and what spans take included.
  var bufferByteCount: Int {
    server.bufferByteLimit + tls.bounded(server, memoryLimit: knownMemoryLimit).byteCount
      + (fetching.isOff ? 0 : ImageFetcher.transferByteCount)
      + (tracing.isOn ? SpanQueue.memoryByteCount : 0)
  }

  /// Rules by which the first model and all later ones are compiled.
  var rules: CompilationRules {
    CompilationRules(
      precision: precision, settings: plan, tuning: tuning,
      cache: (planCache ?? CacheFolder.path).map(PlanCache.init(folder:)),
      program: Version.number)
  }

  /// Returns the configuration of the metrics' own port, if there is one.
  func metricsServer(
    _ identity: TLSIdentity?, inherited: CInt? = nil
  ) -> ServerConfiguration? {
    (metricsPort ?? inherited.map { _ in 0 }).map { port in
      var configuration = ServerConfiguration()
      configuration.host = metricsHost
      configuration.port = port
      configuration.inherited = inherited
      configuration.connectionLimit = Self.metricsConnectionLimit
      configuration.identity = configuration.isLocal ? nil : identity
      configuration.handshakeLimit = TLSSettings.otherHandshakeLimit
      configuration.limits = server.limits
      return configuration
    }
  }

  /// Bytes that a decoder shares with its worker, 33 MiB, and a bit.
  private static let workerMappedByteCount = 40 << 20
  /// Bytes that the engine of the smaller embedded model takes, several times over: 48 MiB.
  private static let engineMappedByteCount = 48 << 20
  /// The same for the usual model, 96 MiB.
  private static let usualEngineMappedByteCount = 96 << 20
  /// Threads besides workers and queues: for signals, the log, the pool's watch, the admin
  /// endpoint, a change, handshakes, signs of life, and Dispatch.
  private static let otherThreadCount = 10
  /// Limit of connections; scrapers are few.
  private static let metricsConnectionLimit = 16
  /// Least limit of memory, 64 MiB; less does not hold the program, a model and a body.
  private static let leastMemoryLimit = 64 << 20
  private static let counts = 1...1_000_000
  private static let sizes = 1...(1 << 40)
  private static let times = Duration.milliseconds(1)...Duration.seconds(3600)

  static let options: [Option<ServeSettings>] =
    configuring + listening.under("Listening") + model.under("The model")
    + planning.under("How it runs")
    + (classification + Option.decoding).under("Limits of requests")
    + connections.under("Connections")
    + TLSSettings.options.map { $0.inside(\ServeSettings.tls) }.under("TLS")
    + KeySettings.options.map { $0.inside(\ServeSettings.keys) }.under("API keys")
    + AdminSettings.options.map { $0.inside(\ServeSettings.admin) }.under("The admin endpoint")
    + FollowSettings.options.map { $0.inside(\ServeSettings.follow) }.under(
      "A followed model store")
    + (life + traces).under("Life, logs and traces")

  /// Returns every option that has a value, by name.
  static func effective(_ settings: ServeSettings) -> [(name: String, value: String)] {
    options.compactMap { option in
      option.defaultText(settings).map { (option.name, $0) }
    }
  }

  private static let configuring: [Option<ServeSettings>] = [
    .optionalPath(
      "config", "FILE", \.configuration,
      "file with further options, a line `name = value` for each; variables and options win over it"
    ).outsideFiles(),
    .flag("check", \.isCheck, "say what holds and where it comes from, try what is named, and end")
      .outsideFiles(),
  ]

  private static let listening: [Option<ServeSettings>] = [
    .text("host", "HOST", \.server.host, "address or name to listen on").inPlaceOf("socket"),
    .integer("port", "PORT", \.server.port, in: 0...65535, "port; 0 picks a free one")
      .inPlaceOf("socket"),
    .optionalPath(
      "socket", "PATH", \.server.socketPath, "a Unix socket in place of host and port"
    ).inPlaceOf("host", "port"),
    .choice(
      "socket-mode", \.socketMode, "who may connect to --socket: its user, its group too, everybody"
    ),
    .optionalInteger(
      "metrics-port", "PORT", \.metricsPort, in: 0...65535,
      "port of its own for /metrics, which is not on --port then; 0 picks a free one"),
    .text("metrics-host", "HOST", \.metricsHost, "where --metrics-port listens"),
  ]

  private static let model: [Option<ServeSettings>] = [
    .optionalModel("model", "FILE|NAME", \.model, ModelParts.modelHelp),
    .optionalPath("labels", "FILE", \.parts.labels, ModelParts.labelsHelp),
    .optionalText("preprocess", "CONTRACT", \.parts.preprocess, ModelParts.preprocessHelp),
    .optionalChoice("activation", \.parts.activation, ModelParts.activationHelp),
    .optionalText("weights", "NAME", \.parts.weights, ModelParts.weightsHelp),
    .optionalText("arch", "VARIANT", \.parts.variant, ModelParts.variantHelp),
    .optionalText("output-name", "NAME", \.parts.outputName, ModelParts.outputNameHelp),
    .modelName("name", \.parts.name, "the model's name in answers"),
    .choice(
      "precision", \.precision,
      "numbers it computes with; auto is int8 for a quantised model, else bf16, where the CPU has it"
    ),
  ]

  private static let planning: [Option<ServeSettings>] = [
    .optionalInteger(
      "workers", "N", \.plan.workers, in: 1...CPUPlan.workerLimit,
      "threads that decode and classify; one per core by default"),
    .optionalInteger(
      "threads", "N", \.plan.threads, in: 1...CPUPlan.workerLimit,
      "threads that a lone image runs on"),
    .optionalInteger(
      "max-batch", "N", \.plan.maxBatch, in: 1...CPUPlan.batchLimit,
      "images that one worker runs at once"),
    .duration(
      "max-queue-delay", \.plan.maxQueueDelay, in: .zero...Duration.seconds(10),
      "from its arrival, that a request may wait for a fuller batch"),
    .choice(
      "tune", \.tuning,
      "measure the model at start: auto if no earlier measurement is valid, off never"),
    .optionalPath(
      "plan-cache", "DIR", \.planCache,
      "where measurements are kept; by default resnetd in the user's folder for caches"),
  ]

  private static let classification: [Option<ServeSettings>] = [
    .optionalByteCount(
      "memory-limit", \.memoryLimit, in: leastMemoryLimit...(1 << 46),
      "bytes that the process may take; auto is what the control group or the machine allows"),
    .integer(
      "queue-limit", "N", \.serving.queueCountLimit, in: counts,
      "requests that wait for a worker (else 429)"),
    .byteCount(
      "queue-bytes", \.serving.queueByteLimit, in: sizes,
      "bytes of the bodies that wait (else 429)"),
    .byteCount(
      "body-limit", \.serving.bodyByteLimit, in: sizes, "bytes of one body (else 413)"),
    .integer(
      "image-limit", "N", \.serving.imageCountLimit, in: 1...10_000,
      "images in one request (else 413)"),
    .servers(
      "fetch-from", \.fetching,
      "servers, by commas, that a request may name an image of by {\"url\": …}, as img.example.org"),
    .integer(
      "pixel-limit", "N", \.serving.decoding.pixelCountLimit,
      in: 1...DecodingLimits.pixelCountCeiling, "width x height of an image (else 413)"),
    .byteCount(
      "decoded-limit", \.serving.decoding.decodedByteCountLimit, in: sizes,
      "bytes that decoding one image may take (else 413)"),
    .integer(
      "request-feature-limit", "N", \.serving.requestFeatureLimit, in: 1...1 << 24,
      "features of all images of a request, with features=1"),
    .integer(
      "request-output-limit", "N", \.serving.requestOutputLimit, in: 1...1 << 24,
      "numbers of all outputs of a request of the Open Inference Protocol (else 413)"),
    .integer(
      "request-pixel-limit", "N", \.serving.requestPixelCountLimit,
      in: 1...DecodingLimits.pixelCountCeiling,
      "width x height of all images of a request; 413 for each beyond it"),
    .duration(
      "stall-timeout", \.serving.stallTimeout, in: Duration.seconds(1)...Duration.seconds(3600),
      "time that a worker may spend on one image or run; beyond it the process ends with 3"),
    .duration(
      "request-timeout", \.serving.requestTimeout, in: times,
      "from a request's first byte to its answer (else 504)"),
  ]

  private static let connections: [Option<ServeSettings>] = [
    .origins(
      "cors-origin", \.crossOrigin,
      "web pages, by commas, whose scripts may read answers, as https://example.org; * for all"),
    .integer(
      "connection-limit", "N", \.server.connectionLimit, in: counts,
      "open connections; beyond it the longest idle one is closed, else only probes are served"),
    .byteCount(
      "buffer-limit", \.server.bufferByteLimit, in: (1 << 20)...(1 << 40),
      "bytes of heads, pipelined requests and unread answers of all clients (else 503)"),
    .optionalInteger(
      "client-connection-limit", "N", \.server.clients.connectionLimit, in: counts,
      "connections of one client (else 429); no limit by default"),
    .optionalInteger(
      "client-request-rate", "N", \.server.clients.requestRate, in: counts,
      "requests per second of one client, probes aside (else 429); no limit by default"),
    .prefixes(
      "trusted-proxies", \.server.clients.trustedProxies,
      "addresses or prefixes, by commas, whose X-Forwarded-For names the client"),
    .integer(
      "backlog", "N", \.server.backlog, in: 1...65535,
      "connections that the kernel holds until they are accepted"),
    .integer(
      "io-queues", "N", \.server.ioQueueCount, in: 1...256,
      "queues over which connections are spread"),
    .integer(
      "keep-alive-requests", "N", \.server.limits.requestCountLimit, in: counts,
      "requests on one connection"),
    .byteCount(
      "request-line-limit", \.server.limits.parser.requestLineByteLimit, in: 64...(1 << 20),
      "bytes of a request line (else 414)"),
    .byteCount(
      "header-limit", \.server.limits.parser.headerByteLimit, in: 256...(16 << 20),
      "bytes of all header lines (else 431)"),
    .integer(
      "header-count-limit", "N", \.server.limits.parser.headerCountLimit, in: 1...10_000,
      "header lines (else 431)"),
    .duration(
      "header-timeout", \.server.limits.headerTimeout, in: times,
      "for a request's head to arrive (else 408)"),
    .duration(
      "body-timeout", \.server.limits.bodyTimeout, in: times,
      "for a body to make progress (else 408)"),
    .duration(
      "idle-timeout", \.server.limits.idleTimeout, in: times, "between requests"),
    .duration(
      "write-timeout", \.server.limits.writeTimeout, in: times,
      "for a client to take any bytes of its answer"),
  ]

  private static let life: [Option<ServeSettings>] = [
    .duration(
      "drain-delay", \.drainDelay, in: .zero...Duration.seconds(3600),
      "from SIGTERM until connections are refused, for proxies to notice"),
    .duration(
      "drain-timeout", \.drainTimeout, in: .zero...Duration.seconds(3600),
      "for requests in progress to finish after that"),
    .choice("log-format", \.logFormat, "auto is text on a terminal and json elsewhere"),
    .choice("access-log", \.accessLog, "a line per request"),
  ]

  private static let traces: [Option<ServeSettings>] =
    TracingSettings.options.map { $0.inside(\ServeSettings.tracing) }
}
