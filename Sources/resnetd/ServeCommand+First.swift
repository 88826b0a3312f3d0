import Checkpoint
import Decoding
import Engine
import ModelStore
import RemoteModels
import ResNet
import Serving
import Telemetry

/// The model that a server begins with.
extension ServeCommand {
  /// The model to begin with, ready; nil where the program was told to stop first.
  static func first(
    _ settings: ServeSettings, _ store: ModelStore?, _ follower: inout Follower?,
    _ service: Service, _ metrics: ServingMetrics, _ decoders: any DecoderSource, _ log: Log
  ) throws(Failure) -> Deployment? {
    if store?.live == nil, var following = follower {
      let first = following.first(once: settings.model != nil, progress: service.progress) {
        request throws(SwapFailure) in
        try FirstDeployment(
          request, rules: rules(settings), limits: settings.serving, metrics: metrics,
          decoders: decoders)
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
    let planned = try compiling { () throws(EngineError) in
      try rules(settings).planned(model, precision: precision)
    }
    write(planned, log)
    // What the engine has packed need not stand in memory a second time.
    model.weights = Weights()
    let fault = try compiling { () throws(EngineError) in
      try planned.live.fault(in: model.goldenSamples, limits: settings.serving, decoders: decoders)
    }
    if let fault {
      throw Failure(
        "\(model.name), version \(model.version.short), does not compute what its file says: \(fault)"
      )
    }
    return try compiling { () throws(EngineError) in
      try Deployment(
        planned.live, pictures: model.goldenSamples.map(\.encodedImage), metrics: metrics,
        decoding: settings.serving.decoding, by: "the start")
    }
  }

  /// Where images are decoded, with what happens there counted and logged.
  static func decoders(
    _ settings: ServeSettings, _ spawner: Spawner?, _ metrics: ServingMetrics, _ log: Log
  ) -> any DecoderSource {
    let watch = DecoderWatch(metrics, log)
    return settings.decoders.source(spawner, observe: watch.note) { log.write($0) }
  }

  static func compiling<Result>(
    _ body: () throws(EngineError) -> Result
  ) throws(Failure) -> Result {
    do throws(EngineError) { return try body() } catch {
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
      return try ModelSource.load(path, isNamed: false, warn: warn)
    }
    return try ModelSource.load(settings.model, settings.parts, warn: warn)
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
}
