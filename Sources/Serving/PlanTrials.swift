import Checkpoint
package import Engine

/// What the search for a plan compiles and times; a test has one whose times are made up.
///
/// Nothing goes on for long after the deadline it is given: `compile` throws `EngineError.outOfTime`, the others
/// return nil.
package protocol PlanTrials {
  /// What a plan was compiled to.
  associatedtype Subject

  var now: ContinuousClock.Instant { get }

  func compile(
    _ plan: CPUPlan, until deadline: ContinuousClock.Instant?
  ) throws(EngineError) -> Subject

  /// Bytes of activations and scratch memory of each worker.
  func contextByteCount(_ subject: Subject) -> Int

  /// The time of one image on one thread, or on the team of the plan; that of the middle one of those that run within
  /// a window of time, of one at least.
  func image(
    _ subject: Subject, onTeam: Bool, for window: Duration, until deadline: ContinuousClock.Instant
  ) throws(EngineError) -> Duration?

  /// Images per second of the plan's workers side by side, each running such batches on one thread for so long.
  func rate(
    _ subject: Subject, batch: Int, for window: Duration, until deadline: ContinuousClock.Instant
  ) throws(EngineError) -> Double?
}

/// Trials of a model on this machine.
struct ModelTrials: PlanTrials {
  let model: Model
  let precision: Precision
  /// Workers beyond them would only take turns.
  let cores: Int

  var now: ContinuousClock.Instant { .now }

  func compile(
    _ plan: CPUPlan, until deadline: ContinuousClock.Instant?
  ) throws(EngineError) -> MeasuredModel {
    let live = try LiveModel(model, precision: precision, plan: plan, deadline: deadline)
    return try MeasuredModel(live, workers: min(plan.workers, cores))
  }

  func contextByteCount(_ subject: MeasuredModel) -> Int { subject.live.network.contextByteCount }

  func image(
    _ subject: MeasuredModel, onTeam: Bool, for window: Duration,
    until deadline: ContinuousClock.Instant
  ) throws(EngineError) -> Duration? {
    try subject.runners[0].time(batch: 1, onTeam: onTeam, for: window, until: deadline)
  }

  func rate(
    _ subject: MeasuredModel, batch: Int, for window: Duration,
    until deadline: ContinuousClock.Instant
  ) throws(EngineError) -> Double? {
    try subject.rate(batch: batch, for: window, until: deadline)
  }
}
