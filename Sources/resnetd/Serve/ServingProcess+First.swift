import Decoding
import Following
import Inference
import Machine
import ModelStore
import RemoteModels
import Serving
import Telemetry

/// The first model of a server.
extension ServingProcess {
  /// Returns the place of the first model if a followed store names it, or the live model of the
  /// state folder is unknown. Returns nil if options or the state folder name the first model.
  static func vacancy(
    _ settings: ServeSettings, _ administration: Administration, isFollowing: Bool,
    _ service: Service, _ context: ServingContext
  ) throws(Failure) -> Vacancy? {
    guard let store = administration.store, !settings.admin.prefersModel else { return nil }
    let log = context.log
    let loss = store.standing.loss
    guard loss != nil || isFollowing && store.live?.isChosen != true else { return nil }
    if let loss, !isFollowing, !administration.canTakeModels {
      throw unknownModel(loss)
    }
    if let loss {
      log.write(
        "not ready: the model that was live is not known; upload one, activate a kept version, or start "
          + "with --model and --prefer-model", as: .warning,
        ["reason": .text(loss)])
    }
    let waiting =
      isFollowing ? FollowerDesk.fetching : "waiting for an administrator to choose a model"
    let vacancy = Vacancy(
      store: store, turns: administration.turns,
      explanation: loss.map { "\($0); \(waiting)" } ?? waiting, log: log,
      onProgress: service.progress
    ) { [rules = settings.rules] request, turn throws(SwapFailure) in
      try FirstDeployment(request, in: turn, rules: rules, context: context)
    }
    administration.open(vacancy)
    return vacancy
  }

  /// Returns why a server cannot begin that knows no model, and that nobody could give one.
  static func unknownModel(_ loss: String) -> Failure {
    Failure(
      "--state-dir: \(loss); name the model to serve by --model and --prefer-model, or switch the admin endpoint "
        + "on and send one")
  }

  /// Returns the first model, ready; nil if the program was told to stop before.
  func first(_ vacancy: Vacancy?) throws(Failure) -> OpeningModel.Proved? {
    switch vacancy?.wait() {
    case .filled(let first): return OpeningModel.Proved(deployment: first.deployment, source: nil)
    case .stopped: return nil
    case .givenUp: administration.begin()
    case nil: break
    }
    let live = administration.store.flatMap { store in
      store.live.flatMap { record in
        store.path(of: record.version).map { KeptModel(record: record, path: $0) }
      }
    }
    return try OpeningModel(
      settings: settings, context: context, live: live, rules: settings.rules,
      onProgress: service.progress
    ).begin()
  }

  /// Returns the place where images are decoded; its events are counted and logged.
  static func decoders(
    _ settings: ServeSettings, _ spawner: Spawner?, _ memory: MemoryBudget,
    _ metrics: ServingMetrics, _ log: Log
  ) -> any DecoderSource {
    let watch = DecoderWatch(metrics, log)
    return settings.decoders.source(spawner, budget: memory, observe: watch.note) {
      log.write($0, as: .warning)
    }
  }
}
