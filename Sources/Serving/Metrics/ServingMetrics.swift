import Checkpoint
import Decoding
import Engine
import HTTPCore
import Inference
package import Machine
import Synchronization
package import Telemetry
import Time

/// Counts and measurements of the service, for `/metrics`. Any thread may add to them without
/// waiting.
///
/// A client chooses no label value: paths are routes, reasons and stages are closed lists, codes
/// are the statuses of this server's answers, version and name come from the model file, and keys'
/// names from theirs.
package final class ServingMetrics: Sendable {
  /// Former versions that are shown; beyond that, those longest out of use are dropped.
  package static let formerVersionLimit = 8

  private enum Name {
    static let requestDuration = MetricDescription(
      .histogram, "resnetd_request_duration_seconds", "From a request's first byte to its answer.")
    static let stageDuration = MetricDescription(
      .histogram, "resnetd_stage_duration_seconds",
      "Time that a classification request spent on one stage.")
    static let classificationDuration = MetricDescription(
      .histogram, "resnetd_classification_duration_seconds",
      "From a classification's first byte to its answer, by the model that it was admitted to.")
    static let batchSize = MetricDescription(
      .histogram, "resnetd_batch_size", "Images per run of the network.")
    static let queueDepth = MetricDescription(
      .gauge, "resnetd_queue_depth", "Requests that wait for a worker.")
    static let memory = MetricDescription(
      .gauge, "resnetd_memory_budget_bytes",
      "Memory that may be taken in all (limit), and what is reserved of it by use.")
    static let inFlight = MetricDescription(
      .gauge, "resnetd_in_flight", "Complete requests that have no answer yet.")
    static let connections = MetricDescription(
      .gauge, "resnetd_connections", "Open connections of clients to the port for requests.")
    static let connectionLimit = MetricDescription(
      .gauge, "resnetd_connections_limit",
      "Connections beyond which only probes, metrics and administration are answered.")
    static let modelInfo = MetricDescription(
      .gauge, "resnetd_model_info", "The model that is live.")
    static let referenceSteps = MetricDescription(
      .gauge, "resnetd_model_reference_steps",
      "Steps of the live model's plans that run by plain loops of oneDNN's, all of them small.")
    static let canaryInfo = MetricDescription(
      .gauge, "resnetd_canary_info", "The model that answers a share of the requests.")
    static let canaryPercent = MetricDescription(
      .gauge, "resnetd_canary_percent", "Share of requests that the canary answers.")
    static let recorded = MetricDescription(
      .gauge, "resnetd_live_recorded",
      "Whether a restart will know what is live: 0 after a rollback that the disk did not take.")
    static let folderUsable = MetricDescription(
      .gauge, "resnetd_state_folder_usable",
      "Whether the state folder is the one that was opened, and can be written.")
    static let folderFailures = MetricDescription(
      .counter, "resnetd_state_folder_failures_total",
      "Things that were not written into the state folder, by cause.")
    static let droppedLogLines = MetricDescription(
      .counter, "resnetd_log_lines_dropped_total",
      "Log lines that were lost because nobody took them in time.")
    static let handshakes = MetricDescription(
      .counter, "resnetd_tls_handshakes_total",
      "Handshakes of TLS on all listeners, by whether they succeeded.")
    static let certificateEnd = MetricDescription(
      .gauge, "resnetd_tls_certificate_expiry_timestamp_seconds",
      "Time at which the certificate that new connections are shown expires, since 1970.")
    static let swapDuration = MetricDescription(
      .histogram, "resnetd_swap_duration_seconds", "Time of one step of a swap.")
  }

  /// Sources that are read when metrics are asked for.
  struct Gauges {
    var queueDepth: @Sendable () -> Int = { 0 }
    var inFlight: @Sendable () -> Int = { 0 }
    var connections: (count: @Sendable () -> Int, limit: Int)?
    var memory: MemoryBudget?
    var canary: @Sendable () -> CanaryGauge? = { nil }
    var stateFolder: @Sendable () -> StateFolderGauge? = { nil }
    var tls: @Sendable () -> TLSGauge? = { nil }
    var droppedLogLines: @Sendable () -> Int? = { nil }
  }

  /// Models that are shown.
  struct Models {
    /// Versions in order, each once: the latest to become live is last, the latest canary before
    /// it.
    var versions: [ModelMetrics] = []
    /// The live model, or nil before there is one.
    var live: ModelInfo?
  }

  let requests = Counters<AnswerLabels>(
    "resnetd_requests_total", "Requests answered.", showsZeros: false)
  private let rejections = Counters<Rejection>(
    "resnetd_rejected_total", "Classification requests given up before the network ran for them.")
  private let swaps = Counters<SwapOutcome>(
    "resnetd_swap_total", "Swaps of the live model, with the step at which each ended.",
    showsZeros: false)
  private let comparisons = Counters<CanaryAgreement>(
    "resnetd_canary_comparisons_total",
    "Images that a canary and the live model were asked about.")
  private let canaryEnds = Counters<CanaryEndReason>(
    "resnetd_canary_returned_total",
    "Canaries that ended, so that all requests went to the live model.")
  private let examples = Counters<ExampleOutcome>(
    "resnetd_examples_total", "Images that were sent as examples of a class.")
  private let decoderRestarts = Counters<DecoderRestart>(
    "resnetd_decoder_restarts_total", "Processes that decode images replaced by new ones.")
  private let planCacheFailures = Counters<PlanCacheFailure>(
    "resnetd_plan_cache_failures_total", "Measured plans that could not be written, by cause.")
  private let swapDuration = Histograms<SwapStep>(ModelMetrics.durations)
  private let process = ProcessMetrics()
  let gauges = Mutex(Gauges())
  /// Metrics of requests before a model is live.
  private let unversioned = ModelMetrics(version: "none")
  let models = Mutex(Models())
  private let modelStore = Mutex<ModelStoreMetrics?>(nil)
  private let keys = Mutex<APIKeys?>(nil)
  private let spans = Mutex<SpanMetrics?>(nil)

  package init() {}

  // MARK: Sources

  /// Metrics of the live model, or those of no version before there is one.
  var model: ModelMetrics { models.withLock { $0.versions.last } ?? unversioned }

  /// Returns the metrics of a version: those shown, or else new ones, which are shown once it
  /// becomes live.
  func model(_ version: ModelVersion) -> ModelMetrics {
    models.withLock { $0.versions.first { $0.version == version.short } }
      ?? ModelMetrics(version: version.short)
  }

  /// Assigns the times of whole requests to this model from now on.
  func becameLive(_ info: ModelInfo, _ metrics: ModelMetrics) {
    models.withLock { models in
      models.versions.removeAll { $0.version == metrics.version }
      models.versions.append(metrics)
      if models.versions.count > Self.formerVersionLimit + 1 { models.versions.removeFirst() }
      models.live = info
    }
  }

  /// Shows the metrics of a model that answers beside the live one.
  func becameCanary(_ metrics: ModelMetrics) {
    models.withLock { models in
      models.versions.removeAll { $0.version == metrics.version }
      models.versions.insert(metrics, at: max(0, models.versions.count - 1))
      if models.versions.count > Self.formerVersionLimit + 1 { models.versions.removeFirst() }
    }
  }

  func compared(_ agreement: CanaryAgreement) { comparisons.add(agreement) }

  func canaryEnded(_ reason: CanaryEndReason) { canaryEnds.add(reason) }

  /// Sets the source of the number of waiting requests; called from the threads that ask for
  /// metrics.
  package func watch(queueDepth: @escaping @Sendable () -> Int) {
    gauges.withLock { $0.queueDepth = queueDepth }
  }

  /// Sets the budget of memory that all share.
  package func watch(memory: MemoryBudget) { gauges.withLock { $0.memory = memory } }

  /// Sets the source of the number of unanswered requests; called from the threads that ask for
  /// metrics.
  package func watch(inFlight: @escaping @Sendable () -> Int) {
    gauges.withLock { $0.inFlight = inFlight }
  }

  /// Sets the source of the number of open connections, and how many may be; called from the threads
  /// that ask for metrics.
  package func watch(connections: @escaping @Sendable () -> Int, limit: Int) {
    gauges.withLock { $0.connections = (connections, limit) }
  }

  /// Sets the source of the canary; called from the threads that ask for metrics.
  func watch(canary: @escaping @Sendable () -> CanaryGauge?) {
    gauges.withLock { $0.canary = canary }
  }

  /// Sets the source of what is known of the state folder; called from the threads that ask for
  /// metrics.
  package func watch(stateFolder: @escaping @Sendable () -> StateFolderGauge?) {
    gauges.withLock { $0.stateFolder = stateFolder }
  }

  /// Sets the source of what is known of encrypted connections; called from the threads that ask for
  /// metrics.
  package func watch(tls: @escaping @Sendable () -> TLSGauge?) { gauges.withLock { $0.tls = tls } }

  /// Sets the source of the number of lost log lines; called from the threads that ask for metrics.
  package func watch(droppedLogLines: @escaping @Sendable () -> Int) {
    gauges.withLock { $0.droppedLogLines = droppedLogLines }
  }

  /// Shows the counts of the remote store that is followed.
  package func show(_ metrics: ModelStoreMetrics) { modelStore.withLock { $0 = metrics } }

  /// Shows the counts of clients' keys.
  package func show(_ keys: APIKeys) { self.keys.withLock { $0 = keys } }

  /// Shows the counts of spans.
  package func show(_ spans: SpanMetrics) { self.spans.withLock { $0 = spans } }

  // MARK: Events

  func answered(_ route: RouteLabels, status: Int, after duration: Duration) {
    requests.add(AnswerLabels(route, status: status))
    model.requestDuration.observe(duration.nanoseconds, route)
  }

  func rejected(_ reason: Rejection) { rejections.add(reason) }

  func example(_ outcome: ExampleOutcome) { examples.add(outcome) }

  package func planNotKept(_ reason: PlanCacheFailure) { planCacheFailures.add(reason) }

  func restarted(_ reason: DecoderRestart) { decoderRestarts.add(reason) }

  func swapped(_ result: SwapOutcome.Result, at step: SwapStep) {
    swaps.add(SwapOutcome(result: result, step: step))
  }

  func spent(_ duration: Duration, on step: SwapStep) {
    swapDuration.observe(duration.nanoseconds, step)
  }

  // MARK: Exposition

  func response() -> Response {
    Response(
      status: 200, fields: HeaderFields([("Content-Type", Exposition.contentType)]),
      body: exposition().bytes)
  }

  private func exposition() -> Exposition {
    var exposition = Exposition()
    let (gauges, shown) = (gauges.withLock { $0 }, models.withLock { $0 })
    let models = [unversioned] + shown.versions
    requests.write(to: &exposition)
    exposition.begin(Name.requestDuration)
    for model in models { model.requestDuration.write(to: &exposition) }
    exposition.begin(Name.stageDuration)
    for model in models { model.stageDuration.write(to: &exposition) }
    exposition.begin(Name.classificationDuration)
    for model in models { model.classificationDuration.write(to: &exposition) }
    exposition.begin(Name.batchSize)
    for model in models { model.batchSize.write(to: &exposition) }
    exposition.single(Name.queueDepth, gauges.queueDepth())
    exposition.single(Name.inFlight, gauges.inFlight())
    if let (count, limit) = gauges.connections {
      exposition.single(Name.connections, count())
      exposition.single(Name.connectionLimit, limit)
    }
    exposition.begin(Name.memory)
    if let memory = gauges.memory {
      exposition.sample([("use", "limit")], memory.byteCount)
      for use in MemoryUse.allCases {
        exposition.sample([("use", use.name)], memory.usedByteCount(for: use))
      }
    }
    rejections.write(to: &exposition)
    exposition.begin(Name.modelInfo)
    if let live = shown.live { exposition.sample(live.labels, 1) }
    exposition.single(Name.referenceSteps, shown.live?.referenceStepCount ?? 0)
    planCacheFailures.write(to: &exposition)
    let canary = gauges.canary()
    exposition.begin(Name.canaryInfo)
    if let canary { exposition.sample(canary.labels, 1) }
    exposition.single(Name.canaryPercent, canary?.percentHundredths ?? 0, decimals: 2)
    comparisons.write(to: &exposition)
    canaryEnds.write(to: &exposition)
    decoderRestarts.write(to: &exposition)
    examples.write(to: &exposition)
    swaps.write(to: &exposition)
    exposition.begin(Name.swapDuration)
    swapDuration.write(to: &exposition)
    modelStore.withLock { $0 }?.write(to: &exposition)
    keys.withLock { $0 }?.write(to: &exposition)
    spans.withLock { $0 }?.write(to: &exposition)
    if let tls = gauges.tls() {
      exposition.begin(Name.handshakes)
      exposition.sample([("result", "done")], tls.doneCount)
      exposition.sample([("result", "failed")], tls.failedCount)
      exposition.single(Name.certificateEnd, tls.validUntil)
    }
    if let folder = gauges.stateFolder() {
      exposition.single(Name.recorded, folder.isRecorded ? 1 : 0)
      exposition.single(Name.folderUsable, folder.isUsable ? 1 : 0)
      exposition.begin(Name.folderFailures)
      for failure in folder.failures {
        exposition.sample([("reason", failure.reason)], failure.count)
      }
    }
    exposition.single(Name.droppedLogLines, gauges.droppedLogLines())
    process.write(to: &exposition)
    return exposition
  }
}
