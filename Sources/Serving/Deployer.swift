package import Checkpoint
import Engine
import Glibc
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
    do throws(SwapFailure) {
      let report = try swap(request, beforeExchange)
      metrics.swapped(
        report.isDryRun ? .dryRun : .done, at: report.steps.last?.step ?? .exchange)
      write(report, request)
      return report
    } catch {
      metrics.swapped(SwapOutcome.Result(error.kind), at: error.step)
      log.write(
        "swap failed",
        [
          "by": .text(request.by), "kind": .text(error.kind.rawValue),
          "step": .text(error.step.rawValue), "reason": .text(error.reason),
        ])
      throw error
    }
  }

  private func swap(
    _ request: SwapRequest, _ beforeExchange: (Model) throws(SwapFailure) -> Void
  ) throws(SwapFailure) -> SwapReport {
    guard isSwapping.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
    else {
      throw SwapFailure(step: .read, reason: "another swap is in progress", kind: .busy)
    }
    defer { isSwapping.store(false, ordering: .releasing) }
    let live = pool.live
    let checks = CandidateChecks(
      request: request, live: live, rules: rules, limits: limits, metrics: metrics,
      availableMemory: availableMemory)
    let candidate = try pool.withoutTeams { () throws(SwapFailure) in try prepare(checks) }
    var clock = candidate.clock
    if !request.dryRun {
      try clock.time(.record) { () throws(SwapFailure) in try beforeExchange(candidate.model) }
      try clock.time(.exchange) { () throws(SwapFailure) in
        _ = pool.exchange(for: candidate.deployment)
      }
    }
    let model = candidate.deployment.model
    return SwapReport(
      version: model.version, name: model.name, formerVersion: live.model.version,
      isDryRun: request.dryRun, precision: model.precision, plan: model.plan,
      planOrigin: candidate.planOrigin, steps: clock.steps,
      estimatedByteCount: candidate.estimatedByteCount,
      availableByteCount: candidate.availableByteCount)
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

  private func write(_ report: SwapReport, _ request: SwapRequest) {
    log.write(
      report.isDryRun ? "model found fit" : "model exchanged",
      [
        "by": .text(request.by), "model": .text(report.name),
        "version": .text(report.version.short), "former": .text(report.formerVersion.short),
        "precision": .text(report.precision.rawValue), "plan": .text(report.plan.description),
        "ms": .integer(report.duration.microseconds / 1000),
      ])
  }
}
