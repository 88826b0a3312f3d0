package import Checkpoint
import Engine
import Glibc
package import Inference
import Synchronization
import Telemetry
import Time

/// Makes another model live once it has proved itself, one at a time. A failure leaves the live
/// model alone.
package final class Deployer: Sendable {
  /// Niceness of the thread that prepares a candidate, above that of all others.
  ///
  /// It yields to requests but continues if they leave no core idle. With 19 or `SCHED_IDLE` it
  /// would starve on a machine that is always busy, and the swap would never end.
  private static let nice: CInt = 2

  private let pool: WorkerPool
  private let rules: CompilationRules
  /// Turns for changing the live model.
  package let turns: SwapTurns

  /// - Parameter turns: Those of the time before there was a model, if any.
  package init(_ pool: WorkerPool, rules: CompilationRules, turns: SwapTurns = SwapTurns()) {
    self.pool = pool
    self.rules = rules
    self.turns = turns
  }

  private var metrics: ServingMetrics { pool.context.metrics }

  private var log: Log { pool.context.log }

  /// Proves a model and makes it live; a dry run ends once it is found fit.
  ///
  /// For a thread that may wait for seconds: neither an I/O queue nor a worker.
  ///
  /// - Parameters:
  ///   - turn: The caller's turn, who gives it back; taken for this call if nil.
  ///   - record: Keeps the choice for a restart, given the model without its weights, when nothing
  ///     but the swap is left; not called in a dry run. Returns why a restart will not know of it,
  ///     or nil if it will.
  package func deploy(
    _ request: SwapRequest, in turn: SwapTurn? = nil,
    record: (Model) throws(SwapFailure) -> String? = { _ in nil }
  ) throws(SwapFailure) -> SwapReport {
    try counted(by: request.by, in: turn) { turn throws(SwapFailure) in
      let live = pool.live
      let candidate = try proven(request, turn)
      var report = SwapReport(candidate, former: live, isDryRun: request.dryRun)
      try turn.commit()
      guard !request.dryRun else { return report }
      try finish(&report, with: candidate.deployment, candidate.clock) {
        () throws(SwapFailure) in try record(candidate.model)
      }
      return report
    }
  }

  /// Proves a model like one that is to become live, but then has `begin` send it a share of the
  /// requests, and return the canary that does.
  package func deployCanary(
    _ request: SwapRequest, in turn: SwapTurn? = nil,
    begin: (Model, Deployment) throws(SwapFailure) -> Canary
  ) throws(SwapFailure) -> SwapReport {
    try counted(by: request.by, in: turn) { turn throws(SwapFailure) in
      let live = pool.live
      let candidate = try proven(request, turn)
      try turn.commit()
      let canary = try begin(candidate.model, candidate.deployment)
      var report = SwapReport(candidate, former: live)
      report.canaryPercent = canary.rules.percent
      report.goesOn = canary.deployment !== candidate.deployment
      return report
    }
  }

  /// Makes a canary live; it has already proved itself.
  package func promote(
    _ canary: Canary, by: String, in turn: SwapTurn? = nil,
    record: () throws(SwapFailure) -> String? = { nil }
  ) throws(SwapFailure) -> SwapReport {
    try counted(by: by, in: turn) { turn throws(SwapFailure) in
      guard pool.traffic.canary === canary else {
        throw SwapFailure(step: .read, reason: "the canary has just ended", kind: .busy)
      }
      try turn.commit()
      var report = SwapReport(promoting: canary.deployment, former: pool.live)
      try finish(&report, with: canary.deployment, SwapClock(turn, metrics), record)
      return report
    }
  }

  /// Refuses further changes. Returns false if one is in progress, since then threads compute.
  package func close() -> Bool { turns.close() }

  /// Takes the turn for a change. If the turn is taken, that is counted and logged like a failed
  /// change.
  package func take(
    _ action: String, by who: String, for upload: ArrivingUpload? = nil, overriding: Bool = false,
    isAbandoned: @escaping @Sendable () -> Bool = { false }
  ) throws(SwapFailure) -> SwapTurn {
    do throws(SwapFailure) {
      return try turns.take(
        action, by: who, for: upload, overriding: overriding, isAbandoned: isAbandoned)
    } catch {
      write(error, by: who)
      throw error
    }
  }

  /// Counts and logs a change, whatever its result.
  private func counted(
    by who: String, in given: SwapTurn?,
    _ change: (SwapTurn) throws(SwapFailure) -> SwapReport
  ) throws(SwapFailure) -> SwapReport {
    let turn = if let given { given } else { try take("swap", by: who) }
    defer { if given == nil { turns.end(turn) } }
    do throws(SwapFailure) {
      let report = try change(turn)
      metrics.swapped(report.outcome, at: report.steps.last?.step ?? .swap)
      write(report, by: who)
      return report
    } catch {
      write(error, by: who)
      throw error
    }
  }

  /// Takes the last two steps.
  private func finish(
    _ report: inout SwapReport, with next: Deployment, _ clock: SwapClock,
    _ record: () throws(SwapFailure) -> String?
  ) throws(SwapFailure) {
    var clock = clock
    report.recordFault = try clock.time(.record, record)
    report.endedCanary = try clock.time(.swap) { () throws(SwapFailure) in
      pool.traffic.swap(to: next).ended
    }
    report.steps = clock.steps
  }

  // MARK: Proof

  /// State of a candidate between the thread that proves it and the one that waits for it.
  private enum Proof {
    case running
    case done(Result<Candidate, SwapFailure>)
    /// It was cancelled, and nobody waits any more.
    case left
  }

  /// Runs the checks on one thread of low priority, so that they take at most the part of one core
  /// that requests leave.
  ///
  /// If they are cancelled it returns at once: a forward pass is not interrupted, and its result is
  /// thrown away.
  private func proven(
    _ request: SwapRequest, _ turn: SwapTurn
  ) throws(SwapFailure) -> Candidate {
    let checks = CandidateChecks(
      turn: turn, live: pool.live, rules: rules, context: pool.context)
    let box = ProofBox()
    let thread = WorkerThread { [pool, log, turns] in
      if !WorkerThread.yield(to: Self.nice) { log.write("priority not lowered", as: .warning) }
      let outcome = pool.withoutTeams {
        Result { () throws(SwapFailure) in try checks.run(request) }
      }
      // Memory that a failed candidate has taken.
      if case .failure = outcome { OneDNN.returnFreedMemory() }
      if box.finish(outcome) { turn.candidateIsDone() } else { turns.remnantEnded() }
    }
    guard let thread else {
      throw SwapFailure(step: .read, reason: "no thread can be started", kind: .internal)
    }
    turn.waitForCandidate()
    if let outcome = box.take(orLeave: turns) {
      thread.join()
      return try outcome.get()
    }
    thread.detach()
    throw turn.cancellation
  }

  private final class ProofBox: Sendable {
    private let state = Mutex(Proof.running)

    /// Returns false if nobody waits for it.
    func finish(_ outcome: Result<Candidate, SwapFailure>) -> Bool {
      state.withLock { state in
        guard case .running = state else { return false }
        state = .done(outcome)
        return true
      }
    }

    /// Returns the outcome, or nil if it is still being computed, which counts as a remnant from
    /// now on.
    func take(orLeave turns: SwapTurns) -> Result<Candidate, SwapFailure>? {
      state.withLock { state in
        if case .done(let outcome) = state { return outcome }
        state = .left
        turns.remnantBegan()
        return nil
      }
    }
  }

  // MARK: Records

  private func write(_ failure: SwapFailure, by who: String) {
    metrics.swapped(SwapOutcome.Result(failure.kind), at: failure.step)
    log.write(
      "swap failed", as: .error,
      [
        "by": .text(who), "kind": .text(failure.kind.rawValue),
        "step": .text(failure.step.rawValue), "reason": .text(failure.reason),
      ])
  }

  private func write(_ report: SwapReport, by who: String) {
    let message =
      switch report.outcome {
      case .canary: report.goesOn ? "canary goes on" : "canary begun"
      case .dryRun: "model proved"
      default: "model swapped"
      }
    log.write(
      message,
      [
        "by": .text(who), "model": .text(report.name),
        "version": .text(report.version.short),
        "former": .text(report.formerVersion?.short ?? "-"),
        "precision": .text(report.precision.rawValue), "plan": .text(report.plan.description),
        "labels": .text(report.labelChange == nil ? "same" : "changed"),
        "ms": .integer(report.duration.microseconds / 1000),
      ])
    for change in report.contractChanges {
      log.write(
        "the model differs from the one before in what it takes or answers",
        as: .warning,
        [
          "version": .text(report.version.short), "what": .text(change.what),
          "former": .text(change.former), "now": .text(change.now),
        ])
    }
    guard let change = report.labelChange else { return }
    log.write(
      "the labels differ from those of the model before", as: .warning,
      [
        "version": .text(report.version.short), "former_labels": .integer(change.formerCount),
        "labels": .integer(change.count), "differing": .integer(change.differingCount),
      ])
  }
}
