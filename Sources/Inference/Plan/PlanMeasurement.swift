import Checkpoint
package import Engine
import Synchronization

/// Compilation and timing for the search for a plan; tests have one with invented times.
///
/// Nothing continues for long after its deadline: `compile` throws `EngineError.outOfTime`, the
/// others return nil.
package protocol PlanTrials {
  /// Result of compiling a plan.
  associatedtype Subject

  var now: ContinuousClock.Instant { get }

  func compile(
    _ plan: CPUPlan, until deadline: ContinuousClock.Instant?
  ) throws(EngineError) -> Subject

  /// Returns the bytes of activations and scratch memory of each worker.
  func contextByteCount(_ subject: Subject) -> Int

  /// Returns the time of one image on one thread, or on the plan's team: the median of those that
  /// run within a window of time, at least one.
  func image(
    _ subject: Subject, onTeam: Bool, for window: Duration, until deadline: ContinuousClock.Instant
  ) throws(EngineError) -> Duration?

  /// Returns images per second of the plan's workers in parallel, each running such batches on one
  /// thread for that long.
  func rate(
    _ subject: Subject, batch: Int, for window: Duration, until deadline: ContinuousClock.Instant
  ) throws(EngineError) -> Double?
}

/// Trials of a model on this machine.
struct ModelTrials: PlanTrials {
  let model: Model
  let precision: Precision
  /// Number of cores; more workers would only take turns.
  let cores: Int

  var now: ContinuousClock.Instant { .now }

  func compile(
    _ plan: CPUPlan, until deadline: ContinuousClock.Instant?
  ) throws(EngineError) -> MeasuredModel {
    let compiled = try CompiledModel(model, precision: precision, plan: plan, deadline: deadline)
    return try MeasuredModel(compiled, workers: min(plan.workers, cores))
  }

  func contextByteCount(_ subject: MeasuredModel) -> Int {
    subject.compiled.network.contextByteCount
  }

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

/// A compiled model with everything needed to run it in the ways that a plan can choose.
final class MeasuredModel: @unchecked Sendable {
  let compiled: CompiledModel
  /// Runners, one for each worker, each used by one thread at a time; the first has the network's
  /// team.
  let runners: [PlanRunner]

  private struct Tally {
    /// Nil as soon as a worker ran out of time.
    var imagesPerSecond: Double? = 0
    var failure: EngineError?
  }

  init(_ compiled: CompiledModel, workers: Int) throws(EngineError) {
    self.compiled = compiled
    var runners: [PlanRunner] = []
    for worker in 0..<workers {
      runners.append(
        try PlanRunner(compiled.network, team: worker == 0 && compiled.plan.threads > 1))
    }
    self.runners = runners
  }

  /// Returns images per second of all workers in parallel, or nil if the deadline passed first.
  func rate(
    batch: Int, for window: Duration, until deadline: ContinuousClock.Instant
  ) throws(EngineError) -> Double? {
    let tally = Mutex(Tally())
    let areStarted = WorkerThread.runSideBySide(runners.count) { [self] worker in
      do throws(EngineError) {
        let time = try runners[worker].time(
          batch: batch, onTeam: false, for: window, until: deadline)
        tally.withLock { tally in
          guard let sum = tally.imagesPerSecond, let time else {
            tally.imagesPerSecond = nil
            return
          }
          tally.imagesPerSecond = sum + Double(batch) / (time / .seconds(1))
        }
      } catch {
        tally.withLock { $0.failure = error }
      }
    }
    guard areStarted else { throw .outOfMemory(doing: "starting \(runners.count) workers") }
    let result = tally.withLock(\.self)
    if let failure = result.failure { throw failure }
    return result.imagesPerSecond
  }
}

/// A context with images to run on it; belongs to one thread at a time.
final class PlanRunner {
  /// 0.75 in fp32 and bf16, half the range in signed bytes.
  private static let byte: UInt8 = 0x3f

  private let context: ExecutionContext
  private let input: [UInt8]

  init(_ network: CompiledNetwork, team: Bool) throws(EngineError) {
    context = try ExecutionContext(network, team: team)
    input = [UInt8](repeating: Self.byte, count: network.largestBatch * network.inputByteCount)
  }

  /// Returns the median time of the batches that fit into a window, at least one, or nil if the
  /// deadline passed first.
  func time(
    batch: Int, onTeam: Bool, for window: Duration, until deadline: ContinuousClock.Instant
  ) throws(EngineError) -> Duration? {
    let start = ContinuousClock.now
    var times: [Duration] = []
    var last = start
    repeat {
      guard try run(batch, onTeam: onTeam, until: deadline) else { return nil }
      let end = ContinuousClock.now
      times.append(end - last)
      last = end
    } while last - start < window
    return times.sorted()[times.count / 2]
  }

  /// Runs a batch, and returns whether it finished.
  private func run(
    _ batch: Int, onTeam: Bool, until deadline: ContinuousClock.Instant
  ) throws(EngineError) -> Bool {
    let (context, input) = (context, input)
    let network = context.network
    // SAFETY: the elements are bytes.
    let images = unsafe input.span.bytes.extracting(0..<batch * network.inputByteCount)
    var logits = [Float](repeating: 0, count: batch * network.outputCount)
    var results = logits.mutableSpan
    guard onTeam else {
      return try context.run(
        imageCount: batch, input: images, logits: &results, until: deadline)
    }
    return try context.runOnTeam(
      imageCount: batch, input: images, logits: &results, until: deadline)
  }
}
