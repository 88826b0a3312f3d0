package import Checkpoint
package import Engine
import Machine

/// Rules by which this process compiles models: its options, and the machine it runs on.
package struct CompilationRules: Sendable {
  package var precision: PrecisionPolicy
  package var settings: CPUPlan.Settings
  package var tuning: Tuning
  package var cores: Int
  /// Cache of measured plans, if there is one.
  package var cache: PlanCache?
  /// The program's version.
  package var program: String
  package var cpu: String

  package init(
    precision: PrecisionPolicy = .auto, settings: CPUPlan.Settings = CPUPlan.Settings(),
    tuning: Tuning = .auto, cores: Int = CPUAllowance.current.cores, cache: PlanCache? = nil,
    program: String, cpu: String = CPUAllowance.modelName
  ) {
    self.precision = precision
    self.settings = settings
    self.tuning = tuning
    self.cores = cores
    self.cache = cache
    self.program = program
    self.cpu = cpu
  }

  /// Compiles the first model, and measures if that is wanted; nothing else computes meanwhile.
  ///
  /// - Parameter isCancelled: See `PlannedModel`.
  package func planned(
    _ model: Model, precision: Precision,
    unless isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(EngineError) -> PlannedModel {
    try PlannedModel(
      model, precision: precision, settings: settings, tuning: tuning, cores: cores, cache: cache,
      in: situation(model, precision), unless: isCancelled)
  }

  /// Returns the plan of a model that is to take the place of another.
  ///
  /// It is never measured, because the serving model would spoil the measurement and be slowed by
  /// it. If nothing is live yet, it is a guess at the result of `planned`.
  package func plan(
    _ model: Model, precision: Precision, inPlaceOf live: CompiledModel?
  ) -> (plan: CPUPlan, origin: PlannedModel.Origin) {
    if let live, live.graph == model.graph { return (live.plan, .inherited) }
    var plan = settings.plan(cores: cores, for: model.graph)
    var origin = PlannedModel.Origin.rule
    if tuning != .off, let entry = cache?.entry(for: situation(model, precision)) {
      plan = settings.plan(cores: cores, threads: entry.threads, maxBatch: entry.maxBatch)
      origin = .remembered
    }
    if let live { plan.workers = live.plan.workers }
    return (plan, origin)
  }

  private func situation(_ model: Model, _ precision: Precision) -> PlanCache.Situation {
    PlanCache.Situation(
      program: program, model: model.version, precision: precision, cpu: cpu, cores: cores,
      settings: settings)
  }
}
