import Checkpoint
import Decoding
import Engine
import Files
import Glibc
import Imaging
import Inference
import Machine
import ResNet
import Telemetry

/// The checks of one candidate, on a thread that computes for nothing else and has no team.
struct CandidateChecks: Sendable {
  /// Hears of each step; asked between all pieces of work whether to continue.
  let turn: SwapTurn
  /// The live deployment, or nil at the start, when nothing else computes and so the plan may be
  /// measured.
  let live: Deployment?
  let rules: CompilationRules
  /// Its memory budget is what the candidate takes from, during the proof and while it serves.
  let context: ServingContext
  /// Whether the time limit covers the runs that warm the candidate up, besides golden samples.
  var limitsWarmUp = true
  /// What reading takes until the weights are packed.
  private let loading = LoadingReservations()

  init(
    turn: SwapTurn, live: Deployment?, rules: CompilationRules, context: ServingContext,
    limitsWarmUp: Bool = true
  ) {
    (self.turn, self.live, self.rules, self.context) = (turn, live, rules, context)
    self.limitsWarmUp = limitsWarmUp
  }

  /// Reads a file and proves its model.
  func run(_ request: SwapRequest) throws(SwapFailure) -> Candidate {
    var clock = SwapClock(turn, context.metrics)
    let memory = loading.memory(of: context, overdraws: request.isReturn)
    defer { loading.release() }
    var model: Model
    if let make = request.make {
      model = try clock.time(.read) { () throws(SwapFailure) in try make(memory) }
    } else {
      let path = try clock.time(.read) { () throws(SwapFailure) in
        try read(request.path)
        defer { loading.release() }
        return try request.completion?(memory) ?? request.path
      }
      model = try clock.time(.validate) { () throws(SwapFailure) in
        let model = try validated(path, request.options, memory)
        try request.kept?.check(model)
        return model
      }
    }
    return try prove(&model, by: request.by, isReturn: request.isReturn, clock)
  }

  /// Proves a model that is loaded. Releases its weights once the engine has packed them: they need
  /// not be in memory a second time.
  ///
  /// - Parameters:
  ///   - isReturn: See `SwapRequest`.
  ///   - clock: Times the steps from here on.
  func prove(
    _ model: inout Model, by who: String, isReturn: Bool = false, _ clock: SwapClock
  ) throws(SwapFailure) -> Candidate {
    var clock = clock
    let precision = try precision(for: model)
    let (plan, origin) = rules.plan(model, precision: precision, inPlaceOf: live?.model)
    let (estimated, available, reservation) = try clock.time(.memory) {
      () throws(SwapFailure) -> (Int, Int?, Reservation) in
      let (estimated, available) = try memory(model, precision, plan, isReturn: isReturn)
      return (estimated, available, try reserve(estimated, isReturn: isReturn))
    }
    var (compiled, planned) = try clock.time(.compile) { () throws(SwapFailure) in
      try engine(.compile) { () throws(EngineError) -> (CompiledModel, PlannedModel?) in
        guard live == nil else {
          return (
            try CompiledModel(model, precision: precision, plan: plan, unless: isCancelled), nil
          )
        }
        let planned = try rules.planned(model, precision: precision, unless: isCancelled)
        write(planned)
        return (planned.compiled, planned)
      }
    }
    model.weights = Weights()
    loading.release()
    try clock.time(.golden) { () throws(SwapFailure) in
      try golden(compiled, model, isReturn: isReturn)
    }
    let own = model.goldenSamples.map(\.encodedImage)
    let deployment = try clock.time(.warm) { () throws(SwapFailure) in
      try engine(.warm) { () throws(EngineError) in
        try Deployment(
          compiled, context, images: own.isEmpty ? live?.images ?? [] : own, by: who,
          beside: live, reservation: reservation, unless: isCancelled)
      }
    }
    return Candidate(
      deployment: deployment, model: model, planned: planned, planOrigin: origin,
      estimatedByteCount: estimated, availableByteCount: available, clock: clock)
  }

  private var isCancelled: @Sendable () -> Bool { { [turn] in turn.isCancelled } }

  // MARK: Steps

  private func read(_ path: String) throws(SwapFailure) {
    do throws(FileError) {
      let file = try RegularFile(path)
      guard file.byteCount > 0 else {
        throw FileError("read", path, reason: "the file is empty")
      }
    } catch {
      // The path is the server's own business.
      throw SwapFailure(
        step: .read,
        reason: "the file cannot be \(error.doing == "open" ? "opened" : "read"): \(error.reason)",
        kind: .refused)
    }
  }

  private func validated(
    _ path: String, _ options: ModelOptions, _ memory: LoadingMemory
  ) throws(SwapFailure) -> Model {
    var options = options
    options.memory = memory
    options.interruption = Interruption(isCancelled)
    do throws(CheckpointError) {
      return try Model.load(path: path, options: options)
    } catch {
      throw error == .cancelled ? turn.cancellation : SwapFailure(error)
    }
  }

  private func precision(for model: Model) throws(SwapFailure) -> Precision {
    let precision = rules.precision.precision(for: model.calibration)
    guard precision != .int8 || model.calibration != nil else {
      throw SwapFailure(
        step: .validate, reason: "the model has no calibration for int8, in which this server runs",
        kind: .refused)
    }
    return precision
  }

  private func memory(
    _ model: Model, _ precision: Precision, _ plan: CPUPlan, isReturn: Bool
  ) throws(SwapFailure) -> (estimated: Int, available: Int?) {
    let estimated: Int
    do throws(GraphError) {
      estimated = try MemoryEstimate(
        model.graph, precision: precision, plan: plan, live: live?.model
      ).byteCount
    } catch {
      throw SwapFailure(step: .memory, reason: error.description, kind: .refused)
    }
    let available = context.availableMemory()
    if let available, estimated > available, !isReturn {
      throw SwapFailure(
        SwapFailure.Shortage(neededByteCount: estimated, leftByteCount: available),
        reason:
          "the model takes about \(estimated) bytes\(live == nil ? "" : " beside the live one"), "
          + "\(available) are available")
    }
    return (estimated, available)
  }

  private func reserve(_ byteCount: Int, isReturn: Bool) throws(SwapFailure) -> Reservation {
    let budget = context.memory
    if isReturn { return budget.overdraw(byteCount, isLasting: true, use: .models) }
    guard let reservation = budget.reserve(byteCount, isLasting: true, use: .models) else {
      let left = budget.freeByteCount
      throw SwapFailure(
        SwapFailure.Shortage(neededByteCount: byteCount, leftByteCount: left),
        reason:
          "the model takes about \(byteCount) bytes, the memory budget has \(left) left")
    }
    return reservation
  }

  private func write(_ planned: PlannedModel) {
    let plan = planned.compiled.plan
    context.log.write(
      "plan: \(planned.description)",
      [
        "workers": .integer(plan.workers), "threads": .integer(plan.threads),
        "max_batch": .integer(plan.maxBatch),
        "max_queue_delay_ms": .thousandths(Int(plan.maxQueueDelay / .microseconds(1))),
        "kept": .text(planned.isKept ? "yes" : "no"),
      ])
  }

  private func golden(
    _ compiled: CompiledModel, _ model: Model, isReturn: Bool
  ) throws(SwapFailure) {
    let embedded: [GoldenSample]
    do throws(CheckpointError) {
      // Of the smaller one, which is read in place and takes no memory.
      embedded = model.goldenSamples.isEmpty ? try Model.embedded(.cifar10).goldenSamples : []
    } catch {
      throw SwapFailure(step: .golden, reason: error.description, kind: .internal)
    }
    let contract = model.preprocessing
    let images =
      contract.channelOrder == .bands
      ? TrialImages.withBands(for: contract)
      : (live?.images ?? []) + embedded.map(\.encodedImage)
    let samples = model.goldenSamples
    // A worker's slot runs every batch size, and one more image for timing.
    let slotImageCount = compiled.network.batchSizes.reduce(1, +)
    let warmUpImageCount = limitsWarmUp ? compiled.plan.workers * slotImageCount : 0
    var limits = context.limits.golden
    if isReturn { limits.provingTimeout = nil }
    let fault = try engine(.golden) { [limits] () throws(EngineError) in
      try GoldenCheck(
        compiled, by: context.decoders.makeDecoder(overdraws: isReturn), limits: limits,
        imageCount: (samples.isEmpty ? images.count : samples.count) + warmUpImageCount,
        unless: isCancelled
      ).fault(samples, images: images)
    }
    guard let fault else { return }
    let kind: SwapFailure.Kind =
      switch fault {
      case .wrong: .refused
      case .slow: .insufficientTime
      case .noMeans: .insufficientMemory
      }
    throw SwapFailure(step: .golden, reason: fault.reason, kind: kind)
  }

  private func engine<Result>(
    _ step: SwapStep, _ body: () throws(EngineError) -> Result
  ) throws(SwapFailure) -> Result {
    do throws(EngineError) { return try body() } catch {
      let kind: SwapFailure.Kind =
        switch error {
        case .graph, .uncalibrated, .unimplemented, .unsupported: .refused
        case .outOfMemory: .insufficientMemory
        case .cancelled: .cancelled
        case .library, .outOfTime: .internal
        }
      if kind == .cancelled { throw turn.cancellation }
      throw SwapFailure(step: step, reason: error.description, kind: kind)
    }
  }
}

/// A model that has proved itself and only waits to become live.
struct Candidate: Sendable {
  let deployment: Deployment
  /// The model without its weights, which the engine has packed.
  let model: Model
  /// Result of planning at the start, or nil for a swap.
  let planned: PlannedModel?
  let planOrigin: PlannedModel.Origin
  let estimatedByteCount: Int
  let availableByteCount: Int?
  let clock: SwapClock
}
