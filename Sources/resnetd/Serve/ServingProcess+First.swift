import Checkpoint
import Decoding
import Engine
import Following
import Inference
import Machine
import ModelStore
import RemoteModels
import Serving
import Telemetry

/// The first model of a server.
extension ServingProcess {
  /// A model that is ready to be the first.
  struct Beginning {
    let deployment: Deployment
    /// Source of the model, for the store to keep; nil if the store has it.
    let source: FirstModel?
  }

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
      throw Failure(
        "--state-dir: \(loss); name the model to serve by --model and --prefer-model, or switch the admin endpoint "
          + "on and send one")
    }
    if let loss {
      log.write(
        "warning: not ready: the model that was live is not known; upload one, activate a kept version, or start "
          + "with --model and --prefer-model",
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

  /// Returns the first model, ready; nil if the program was told to stop before.
  func first(_ vacancy: Vacancy?) throws(Failure) -> Beginning? {
    switch vacancy?.wait() {
    case .filled(let first): return Beginning(deployment: first.deployment, source: nil)
    case .stopped: return nil
    case .givenUp: administration.begin()
    case nil: break
    }
    service.progress("loading the model")
    let loading = LoadingReservations()
    defer { loading.release() }
    var (model, source): (Model, FirstModel?)
    do throws(Failure) { (model, source) = try load(loading.memory(of: context)) } catch {
      guard loading.wasRefused else { throw error }
      throw Failure(
        "\(error.message); the memory limit is \(context.memory.byteCount) bytes after a reserve, of "
          + "which the program takes \(context.memory.usedByteCount(for: .program)), and the model takes "
          + "as much again when it is compiled; --memory-limit 256MiB is enough for an embedded one"
      )
    }
    // `FirstDeployment` refuses int8 without ranges as well, but knows no command that makes them.
    let precision = try ModelSource.precision(settings.precision, for: model)
    service.progress("compiling and measuring \(model.name)")
    do throws(SwapFailure) {
      let first = try FirstDeployment(
        &model, by: source?.isChosen == true ? "the start, by --prefer-model" : "the start",
        rules: settings.rules, context: context)
      return Beginning(deployment: first.deployment, source: source)
    } catch {
      throw failure(error, of: model, in: precision, isStored: source == nil)
    }
  }

  /// Puts the reason why the first model cannot serve, and what to do, for the command line.
  ///
  /// - Parameter isStored: Whether it is the live model of the state folder.
  private func failure(
    _ error: SwapFailure, of model: Model, in precision: Precision, isStored: Bool
  ) -> Failure {
    if let shortage = error.shortage { return failure(shortage, of: model, in: precision) }
    let version = "\(model.name), version \(model.version.short),"
    let hasSamples = !model.goldenSamples.isEmpty
    switch (error.step, error.kind) {
    case (.golden, .refused):
      return Failure(
        "\(version) \(hasSamples ? "does not compute what its file says" : "cannot classify"): "
          + error.reason + (isStored ? "; \(Self.remedy(precision))" : ""))
    case (.golden, .insufficientTime):
      return Failure(
        "\(version) cannot be tried\(hasSamples ? " on its file's golden samples" : ""): "
          + "\(error.reason); choose another --precision, a smaller network or a faster machine")
    case (.golden, .insufficientMemory):
      return Failure(
        "\(version) cannot be tried\(hasSamples ? " on its file's golden samples" : ""): "
          + "\(error.reason); allow the server more memory, by its control group or --memory-limit")
    default:
      return Failure("the model cannot be compiled: \(error.reason)")
    }
  }

  /// Returns the advice for a model of the state folder that no longer runs as it was proved.
  private static func remedy(_ precision: Precision) -> String {
    "it was live in --state-dir, so it has run with other options, or on another machine, than these "
      + "(--precision \(precision.rawValue) here): start with those, or serve another model by --model FILE --prefer-model"
  }

  /// Returns the place where images are decoded; its events are counted and logged.
  static func decoders(
    _ settings: ServeSettings, _ spawner: Spawner?, _ memory: MemoryBudget,
    _ metrics: ServingMetrics, _ log: Log
  ) -> any DecoderSource {
    let watch = DecoderWatch(metrics, log)
    return settings.decoders.source(spawner, budget: memory, observe: watch.note) {
      log.write($0)
    }
  }

  /// Loads the store's last choice, which needs nothing from outside, or else the model of the
  /// options, with its source for the store to keep.
  private func load(_ memory: LoadingMemory) throws(Failure) -> (Model, FirstModel?) {
    let store = administration.store
    let warn = { [log] (warning: String) in log.write("warning: \(warning)") }
    if !settings.admin.prefersModel, let live = store?.live, live.isChosen,
      let path = store?.path(of: live.version)
    {
      log.write(
        "the model that was live last",
        ["version": .text(live.version.short), "by": .text(live.by)]
      )
      if settings.model != nil || settings.parts != ModelParts() {
        log.write(
          "--state-dir wins over --model and the options that describe it; --prefer-model makes these win",
          ["version": .text(live.version.short), "model": .text(settings.model ?? "embedded")])
      }
      do throws(Failure) {
        return (try ModelSource.load(path, isNamed: false, memory: memory, warn: warn), nil)
      } catch {
        throw Failure(
          "\(error); it was live in --state-dir: serve another model by --model FILE --prefer-model"
        )
      }
    }
    let first = try ModelSource.first(
      settings.model, settings.parts, isChosen: settings.admin.prefersModel)
    let model = try ModelSource.load(
      settings.model, settings.parts, memory: memory, warn: warn)
    guard store != nil, !first.isAsFile else { return (model, first) }
    do throws(CheckpointError) {
      // A model that options change is another file, and a store has that one.
      return (try model.versionedAsWritten(), first)
    } catch {
      throw Failure("\(error)")
    }
  }
}
