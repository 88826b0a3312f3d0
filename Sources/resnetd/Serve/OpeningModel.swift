import Checkpoint
import Engine
import Inference
import Machine
import ModelStore
import Serving
import Telemetry

/// A version that a state folder keeps, and the path of its file.
struct KeptModel {
  let record: LiveRecord
  let path: String
}

/// The model that a server begins with: found, loaded, compiled and proved.
struct OpeningModel {
  /// The model, ready to serve.
  struct Proved {
    let deployment: Deployment
    /// Source of the model, for the store to keep; nil if the store has it.
    let source: FirstModel?
  }

  let settings: ServeSettings
  let context: ServingContext
  /// The live model of the state folder, if there is one.
  let live: KeptModel?
  /// Rules by which it is compiled.
  let rules: CompilationRules
  /// Hears what is being done.
  let onProgress: (String) -> Void

  /// Returns the model, ready. Throws the reason why a server cannot begin with it, and what to do.
  func begin() throws(Failure) -> Proved {
    onProgress("loading the model")
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
    onProgress("compiling and measuring \(model.name)")
    do throws(SwapFailure) {
      let first = try FirstDeployment(
        &model, by: source?.isChosen == true ? "the start, by --prefer-model" : "the start",
        rules: rules, context: context)
      return Proved(deployment: first.deployment, source: source)
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

  /// Says what the first model takes, what is left, and how to allow more.
  private func failure(
    _ shortage: SwapFailure.Shortage, of model: Model, in precision: Precision
  ) -> Failure {
    let (needed, left) = (shortage.neededByteCount, shortage.leftByteCount)
    let memory = context.memory
    // Less is left than the budget would give: then the system has no more.
    let (place, remedy) =
      left < memory.freeByteCount
      ? (
        "available on this machine or in its control group",
        "free \(needed - left) bytes more for the server"
      )
      : (
        "left of the memory budget of \(memory.byteCount)",
        "allow the server \(sufficient(model, precision)) MiB in all, by its control group or "
          + "--memory-limit"
      )
    return Failure(
      "\(model.name) takes about \(needed) bytes, \(left) are \(place); \(remedy), or give it fewer "
        + "--workers or a smaller --max-batch")
  }

  /// Returns the limit with which the model would serve with all workers of its plan, in MiB.
  private func sufficient(_ model: Model, _ precision: Precision) -> Int {
    let plan = rules.plan(model, precision: precision, inPlaceOf: nil).plan
    let reading = context.memory.usedByteCount(for: .models)
    let sufficient = try? context.sufficientMebibytes(
      model.graph, precision, plan, reading: reading)
    return sufficient ?? 0
  }

  /// Loads the store's last choice, which needs nothing from outside, or else the model of the
  /// options, with its source for the store to keep.
  private func load(_ memory: LoadingMemory) throws(Failure) -> (Model, FirstModel?) {
    let warn = { [log = context.log] (warning: String) in log.write(warning, as: .warning) }
    if !settings.admin.prefersModel, let live, live.record.isChosen {
      let version = live.record.version
      context.log.write(
        "the model that was live last",
        ["version": .text(version.short), "by": .text(live.record.by)]
      )
      if settings.model != nil || settings.parts != ModelParts() {
        context.log.write(
          "--state-dir wins over --model and the options that describe it; --prefer-model makes these win",
          ["version": .text(version.short), "model": .text(settings.model ?? "embedded")])
      }
      do throws(Failure) {
        return (try ModelSource.load(live.path, isNamed: false, memory: memory, warn: warn), nil)
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
    guard settings.admin.stateFolder != nil, !first.isAsFile else { return (model, first) }
    do throws(CheckpointError) {
      // A model that options change is another file, and a store has that one.
      return (try model.versionedAsWritten(), first)
    } catch {
      throw Failure("\(error)")
    }
  }
}
