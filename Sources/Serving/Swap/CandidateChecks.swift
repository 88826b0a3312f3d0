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

  /// Reads a file and proves its model. A kept file that is refused because the disk has damaged it
  /// is told as that.
  func run(_ request: SwapRequest) throws(SwapFailure) -> Candidate {
    do throws(SwapFailure) { return try unexplained(request) } catch {
      throw (request.kept?.explaining(error) ?? error).withRemedy
    }
  }

  private func unexplained(_ request: SwapRequest) throws(SwapFailure) -> Candidate {
    var clock = SwapClock(turn, context.metrics)
    let memory = loading.memory(of: context, overdraws: request.isReturn)
    defer { loading.release() }
    var model: Model
    if let make = request.make {
      model = try clock.time(.read) { () throws(SwapFailure) in
        try make(memory) { (model) throws(SwapFailure) in try foresee(model) }
      }
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
    if live == nil { compiled = try affordable(compiled, model, reservation) }
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
        throw FileError("read", path, reason: "the file is empty; fetch or copy it again")
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
    return (estimated, isReturn ? context.availableMemory() : try checkRoom(for: estimated))
  }

  /// Throws unless there is room for a model of so many bytes and for the decoder of its proof;
  /// returns the bytes that are available.
  private func checkRoom(for byteCount: Int) throws(SwapFailure) -> Int? {
    let decoder = context.decoders.lastingByteCount
    let available = context.availableMemory()
    if let available, byteCount > available {
      throw shortage(byteCount, available, beside: decoder + Self.provingByteCount)
    }
    // A first model has all decoders, which are counted when it is compiled.
    guard live != nil else { return available }
    // The decoder starts when what reading took has been given back.
    let left = context.memory.freeByteCount + loading.byteCount
    guard byteCount + decoder <= left else {
      throw shortage(byteCount + decoder, left, beside: Self.provingByteCount)
    }
    return available
  }

  /// - Parameter spareByteCount: Bytes that are needed besides, for the advice.
  private func shortage(
    _ needed: Int, _ left: Int, beside spareByteCount: Int
  ) -> SwapFailure {
    SwapFailure(
      SwapFailure.Shortage(neededByteCount: needed, leftByteCount: left),
      "the model\(live == nil ? "" : " beside the live one")", beside: spareByteCount,
      of: context.memory)
  }

  /// Bytes for the images of a proof and what else is beside it, 8 MiB.
  private static let provingByteCount = 8 << 20

  /// Throws if a model that is still to be made from this one, of another number of classes, would
  /// not fit.
  private func foresee(_ model: Model) throws(SwapFailure) {
    let precision = try precision(for: model)
    let (plan, _) = rules.plan(model, precision: precision, inPlaceOf: live?.model)
    let needed: Int
    do throws(GraphError) {
      // Of shapes alone, as will be that of a network that is not quite the live one.
      needed = try MemoryEstimate(
        model.graph, precision: precision, plan: plan, live: nil
      ).byteCount
    } catch {
      throw SwapFailure(step: .memory, reason: error.description, kind: .refused)
    }
    _ = try checkRoom(for: needed)
  }

  /// Returns a first model with as many workers as there is memory for, each with its decoder; throws
  /// if there is not enough for one.
  private func affordable(
    _ compiled: CompiledModel, _ model: Model, _ reservation: Reservation
  ) throws(SwapFailure) -> CompiledModel {
    let wanted = compiled.plan.workers
    // What reading took has been given back.
    let free = context.memory.freeByteCount + reservation.byteCount
    var needed = 0
    for workers in stride(from: wanted, through: 1, by: -1) {
      let fewer = compiled.with(workers: workers)
      needed =
        MemoryEstimate.byteCount(of: fewer)
        + workers * (context.decoders.lastingByteCount + ServingContext.requestByteCount)
      guard needed <= free else { continue }
      if workers < wanted { tellOfFewer(workers, than: compiled, model) }
      return fewer
    }
    throw SwapFailure(
      SwapFailure.Shortage(neededByteCount: needed, leftByteCount: free),
      "the model with a worker and its decoder", beside: 0, of: context.memory)
  }

  private func tellOfFewer(_ workers: Int, than wanted: CompiledModel, _ model: Model) {
    let sufficient = try? context.sufficientMebibytes(
      model.graph, wanted.precision, wanted.plan, reading: 0)
    context.log.write(
      "fewer workers are started than planned: there is no memory for more and their decoders",
      as: .warning,
      [
        "workers": .integer(workers), "planned": .integer(wanted.plan.workers),
        "sufficient_memory_limit": .text(sufficient.map { "\($0)MiB" } ?? "-"),
      ])
  }

  private func reserve(_ byteCount: Int, isReturn: Bool) throws(SwapFailure) -> Reservation {
    let budget = context.memory
    if isReturn { return budget.overdraw(byteCount, isLasting: true, use: .models) }
    guard let reservation = budget.reserve(byteCount, isLasting: true, use: .models) else {
      throw shortage(byteCount, budget.freeByteCount, beside: Self.provingByteCount)
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
    guard let fault = planned.cacheFault else { return }
    context.metrics.planNotKept(PlanCacheFailure(fault))
    context.log.write(
      "the measured plan was not kept, so that the next start measures again", as: .warning,
      ["reason": .text(fault.description)])
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
