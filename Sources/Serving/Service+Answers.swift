import Checkpoint
import HTTPCore
import Inference
import Synchronization
import Time

/// Answers about the server and its model, which need no worker.
extension Service {
  /// Answers a request without images.
  func answer(_ routed: RoutedPath, _ head: RequestHead) throws(Problem) -> Response {
    switch routed.route {
    case .live: ok
    case .home: PageResponse.home.answer
    case .started:
      if case .starting = state { unavailable.response } else { ok }
    case .ready: impediment?.response ?? ok
    case .ping:
      impediment?.response
        ?? Response(
          status: 200, contentType: "application/json", text: #"{"status":"Healthy"}"# + "\n")
    case .metrics: metrics.response()
    case .openAPI: openAPIAnswer.response(to: head.fields)
    case .model: try description(of: liveModel()).response(head.fields)
    case .server: InferenceMetadata.server(version: version)
    case .serverLive: InferenceMetadata.live
    case .serverReady: InferenceMetadata.ready(impediment)
    case .modelMetadata: InferenceMetadata.model(try liveModel(routed.model))
    case .modelReady:
      InferenceMetadata.ready(impediment, name: try liveModel(routed.model).name)
    case .classify, .predictions, .infer:
      preconditionFailure("a request with images must be handed to the workers")
    }
  }

  private var openAPIAnswer: LastingAnswer {
    if let known = openAPI.withLock({ $0 }) { return known }
    let made = LastingAnswer(
      OpenAPIDocument.response(
        version: version, needsKeys: keys != nil, fetchesImages: fetcher != nil))
    openAPI.withLock { $0 = made }
    return made
  }

  /// Returns the live model. Throws if there is none, or if it is not the one named.
  private func liveModel(_ reference: ModelReference? = nil) throws(Problem) -> CompiledModel {
    guard let model = pool?.live.model else { throw unavailable }
    try reference?.check(model)
    return model
  }

  /// Returns the description, which is made once for each model that becomes live.
  private func description(of model: CompiledModel) -> ModelDescription {
    if let known = described.withLock({ $0 }), known.version == model.version { return known }
    let made = ModelDescription(model)
    described.withLock { $0 = made }
    return made
  }

  /// Reason why the server should get no requests now, or nil.
  private var impediment: Problem? {
    guard case .ready(let pool) = state else { return unavailable }
    return stalled(pool) ?? pool.decodingFault.map(Self.noDecoders)
  }

  private static func noDecoders(_ fault: String) -> Problem {
    Problem(503, .noDecoders, fault, retryAfterSeconds: 1)
  }

  /// Returns the reason why a server with a model should still get no requests, or nil.
  private func stalled(_ pool: WorkerPool) -> Problem? {
    switch pool.stall {
    case .allMove, .withoutDecoders: nil
    case .stalled(let worker, let duration), .lost(let worker, let duration):
      Problem(
        503, .workerStalled,
        "worker \(worker) has been at one step for \(duration.nanoseconds / 1_000_000_000) s",
        retryAfterSeconds: 1)
    }
  }

  private var ok: Response { Response(status: 200, contentType: "text/plain", text: "ok\n") }

  /// Problem that says what the server waits for.
  var unavailable: Problem {
    switch state {
    case .starting(let doing): Problem(503, .starting, doing, retryAfterSeconds: 1)
    case .ready: Problem(503, .starting, "the model is ready", retryAfterSeconds: 1)
    case .draining:
      Problem(503, .draining, "the server is about to stop", retryAfterSeconds: 1)
    }
  }
}
