package import Checkpoint
package import Engine
package import Files
import Time

/// Rule for measuring a model's plan at start.
package enum Tuning: String, Sendable, CaseIterable {
  /// Measures if no earlier measurement is valid.
  case auto
  /// Never measures: a rule decides.
  case off
  /// Measures every time.
  case always
}

/// A model compiled by the plan found for it, and the origin of that plan.
package struct PlannedModel: Sendable {
  package enum Origin: Sendable, Hashable {
    /// Everything that could be measured was set by hand.
    case given
    case rule
    /// The rule's, because the machine was too busy to measure.
    case tooBusy
    /// The rule's, because there was no time to measure.
    case outOfTime
    case measured
    case remembered
    /// That of a model with the same network.
    case inherited
  }

  package let compiled: CompiledModel
  package let origin: Origin
  /// Time taken to find the plan and compile.
  package let duration: Duration
  /// Whether the plan is kept; false only if a plan was to be measured and kept, and could not be.
  package let isKept: Bool
  /// Reason why a measured plan could not be written.
  package let cacheFault: FileError?

  /// Result of a search, compiled.
  package struct Found {
    package let compiled: CompiledModel
    package let outcome: PlanSearchOutcome

    package init(_ compiled: CompiledModel, _ outcome: PlanSearchOutcome) {
      self.compiled = compiled
      self.outcome = outcome
    }
  }

  /// - Parameters:
  ///   - cache: Cache of measured plans, if there is one.
  ///   - isCancelled: Called between all layers unless it measures; true ends it with
  ///     `EngineError.cancelled`.
  ///   - search: Measures if that is needed; for tests with a result of their own.
  package init(
    _ model: Model, precision: Precision, settings: CPUPlan.Settings, tuning: Tuning, cores: Int,
    cache: PlanCache?, in situation: PlanCache.Situation,
    unless isCancelled: @escaping @Sendable () -> Bool = { false },
    search: (Model, Precision, CPUPlan.Settings, Int) throws(EngineError) -> Found = Self.measured
  ) throws(EngineError) {
    let start = ContinuousClock.now
    var isKept = true
    var cacheFault: FileError?
    if settings.maxBatch != nil, settings.threads != nil || cores == 1 {
      origin = .given
      compiled = try CompiledModel(
        model, precision: precision, plan: settings.plan(cores: cores, threads: 1, maxBatch: 1),
        unless: isCancelled)
    } else if tuning == .off {
      origin = .rule
      compiled = try CompiledModel(
        model, precision: precision, plan: settings.plan(cores: cores, for: model.graph),
        unless: isCancelled)
    } else if tuning == .auto, let entry = cache?.entry(for: situation) {
      origin = .remembered
      compiled = try CompiledModel(
        model, precision: precision,
        plan: settings.plan(cores: cores, threads: entry.threads, maxBatch: entry.maxBatch),
        unless: isCancelled)
    } else {
      let found = try search(model, precision, settings, cores)
      compiled = found.compiled
      switch found.outcome {
      case .tooBusy: (origin, isKept) = (.tooBusy, false)
      case .outOfTime: (origin, isKept) = (.outOfTime, false)
      case .measured:
        origin = .measured
        let entry = PlanCache.Entry(
          threads: compiled.plan.threads, maxBatch: compiled.plan.maxBatch)
        do throws(FileError) { try cache?.keep(entry, for: situation) } catch {
          (isKept, cacheFault) = (false, error)
        }
      }
    }
    (self.isKept, self.cacheFault) = (isKept, cacheFault)
    duration = .now - start
  }

  /// Searches on this machine, and returns all memory except the winner's.
  private static func measured(
    _ model: Model, _ precision: Precision, _ settings: CPUPlan.Settings, _ cores: Int
  ) throws(EngineError) -> Found {
    func found() throws(EngineError) -> Found {
      let search = try PlanSearch(
        ModelTrials(model: model, precision: precision, cores: cores), settings: settings,
        cores: cores, rule: settings.plan(cores: cores, for: model.graph))
      let compiled = search.best.compiled
      return Found(search.plan.threads == 1 ? compiled.withoutTeam() : compiled, search.outcome)
    }
    // The losers' weights and activations.
    defer { OneDNN.returnFreedMemory() }
    return try found()
  }

  /// The plan and its origin: `2 workers of 1 thread, batches up to 4 (measured in 0.6 s)`.
  package var description: String {
    let tenths = (duration.microseconds + 50_000) / 100_000
    let origin =
      switch origin {
      case .given: "given"
      case .rule: "by rule"
      case .tooBusy: "by rule, for the machine was too busy to measure"
      case .outOfTime: "by rule, for there was no time to measure"
      case .measured: "measured in \(tenths / 10).\(tenths % 10) s"
      case .remembered: "measured before"
      case .inherited: "as before"
      }
    return "\(compiled.plan) (\(origin))"
  }
}
