package import Checkpoint
import Engine
import Glibc
import Machine
import Synchronization
package import Telemetry

/// Makes another model live, one at a time, when it has proved itself; whatever fails leaves what is live alone.
package final class Deployer: Sendable {
  /// Of the thread that prepares a candidate, above that of all others.
  ///
  /// It yields to requests but goes on where they leave no core idle. With 19 or `SCHED_IDLE` it would starve on a
  /// machine that is always busy, and the swap would never end.
  private static let nice: CInt = 2

  private let pool: WorkerPool
  private let rules: CompilationRules
  private let limits: ServingLimits
  private let metrics: ServingMetrics
  private let log: Log
  private let availableMemory: @Sendable () -> Int?
  private let isSwapping = Atomic(false)

  /// - Parameter availableMemory: Bytes that a candidate may take; nil where nobody knows.
  package init(
    _ pool: WorkerPool, rules: CompilationRules, limits: ServingLimits, metrics: ServingMetrics,
    log: Log, availableMemory: @escaping @Sendable () -> Int? = { MemoryAllowance.available }
  ) {
    self.pool = pool
    self.rules = rules
    self.limits = limits
    self.metrics = metrics
    self.log = log
    self.availableMemory = availableMemory
  }

  /// Returns when the model is live, or has been found fit in a dry run.
  ///
  /// For a thread that may wait for seconds: neither an I/O queue nor a worker. `beforeExchange` runs on it when
  /// nothing but the exchange is left, not in a dry run: to keep the choice for a restart, by a model without weights.
  package func deploy(
    _ request: SwapRequest, beforeExchange: (Model) throws(SwapFailure) -> Void = { _ in }
  ) throws(SwapFailure) -> SwapReport {
    try alone(by: request.by) { () throws(SwapFailure) in
      let live = pool.live
      let candidate = try proven(request)
      var report = SwapReport(candidate, former: live, isDryRun: request.dryRun)
      guard !request.dryRun else { return report }
      try finish(&report, with: candidate.deployment, candidate.clock) {
        () throws(SwapFailure) in try beforeExchange(candidate.model)
      }
      return report
    }
  }

  /// Proves a model like one that is to become live, and has `begin` send a share of the requests to it instead.
  package func deployCanary(
    _ request: SwapRequest, begin: (Model, Deployment) throws(SwapFailure) -> Void
  ) throws(SwapFailure) -> SwapReport {
    try alone(by: request.by) { () throws(SwapFailure) in
      let live = pool.live
      let candidate = try proven(request)
      try begin(candidate.model, candidate.deployment)
      var report = SwapReport(candidate, former: live)
      report.isCanary = true
      return report
    }
  }

  /// Makes a model live that has answered requests as a canary; it has proved itself already.
  package func promote(
    _ canary: Canary, by: String, beforeExchange: () throws(SwapFailure) -> Void = {}
  ) throws(SwapFailure) -> SwapReport {
    try alone(by: by) { () throws(SwapFailure) in
      guard pool.traffic.canary === canary else {
        throw SwapFailure(step: .read, reason: "the canary has just ended", kind: .busy)
      }
      var report = SwapReport(promoting: canary.deployment, former: pool.live)
      try finish(&report, with: canary.deployment, SwapClock(metrics), beforeExchange)
      return report
    }
  }

  /// Begins no change any more. False where one is in progress: then threads compute.
  package func close() -> Bool { occupy() }

  /// False where a change is in progress.
  private func occupy() -> Bool {
    isSwapping.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
  }

  /// One change at a time; each is counted and logged, whatever comes of it.
  private func alone(
    by who: String, _ change: () throws(SwapFailure) -> SwapReport
  ) throws(SwapFailure) -> SwapReport {
    do throws(SwapFailure) {
      guard occupy() else {
        throw SwapFailure(step: .read, reason: "another swap is in progress", kind: .busy)
      }
      defer { isSwapping.store(false, ordering: .releasing) }
      let report = try change()
      metrics.swapped(report.outcome, at: report.steps.last?.step ?? .exchange)
      write(report, by: who)
      return report
    } catch {
      metrics.swapped(SwapOutcome.Result(error.kind), at: error.step)
      log.write(
        "swap failed",
        [
          "by": .text(who), "kind": .text(error.kind.rawValue),
          "step": .text(error.step.rawValue), "reason": .text(error.reason),
        ])
      throw error
    }
  }

  private func proven(_ request: SwapRequest) throws(SwapFailure) -> Candidate {
    let checks = CandidateChecks(
      request: request, live: pool.live, rules: rules, limits: limits, metrics: metrics,
      decoders: pool.decoders, availableMemory: availableMemory, memoryBudget: pool.memory)
    return try pool.withoutTeams { () throws(SwapFailure) in try prepare(checks) }
  }

  /// The last two steps.
  private func finish(
    _ report: inout SwapReport, with next: Deployment, _ clock: SwapClock,
    _ record: () throws(SwapFailure) -> Void
  ) throws(SwapFailure) {
    var clock = clock
    try clock.time(.record, record)
    report.endedCanary = try clock.time(.exchange) { () throws(SwapFailure) in
      pool.traffic.exchange(for: next).ended
    }
    report.steps = clock.steps
  }

  /// Runs the checks on one thread of low priority, so that they take one core at most and what requests leave of it.
  private func prepare(_ checks: CandidateChecks) throws(SwapFailure) -> Candidate {
    let result = Mutex<Result<Candidate, SwapFailure>?>(nil)
    let thread = WorkerThread { [log] in
      // Linux counts it for each thread; 0 is the calling one.
      if setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.nice) != 0 {
        log.write("priority not lowered")
      }
      let outcome = Result { () throws(SwapFailure) in try checks.run() }
      // What a candidate that failed has taken.
      if case .failure = outcome { OneDNN.returnFreedMemory() }
      result.withLock { $0 = outcome }
    }
    thread?.join()
    guard let outcome = result.withLock({ $0 }) else {
      throw SwapFailure(step: .read, reason: "no thread can be started", kind: .internal)
    }
    return try outcome.get()
  }

  private func write(_ report: SwapReport, by who: String) {
    let message =
      switch report.outcome {
      case .canary: "canary begun"
      case .dryRun: "model found fit"
      default: "model exchanged"
      }
    log.write(
      message,
      [
        "by": .text(who), "model": .text(report.name),
        "version": .text(report.version.short), "former": .text(report.formerVersion.short),
        "precision": .text(report.precision.rawValue), "plan": .text(report.plan.description),
        "ms": .integer(report.duration.microseconds / 1000),
      ])
  }
}
