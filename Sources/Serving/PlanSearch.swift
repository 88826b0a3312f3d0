package import Checkpoint
package import Engine

/// Finds how a model is served fastest on these cores by compiling and measuring it, and keeps the compiled winner.
package struct PlanSearch {
  /// A larger batch than the best so far must bring so much more, for it costs latency.
  private static let batchGain = 1.06
  /// A team must be so much faster than one thread, for it takes the cores of all.
  private static let teamGain = 1.1
  private static let batchCandidates = [4, 8]
  /// Activations and scratch memory that each worker may take for batches larger than one.
  private static let contextByteLimit = 64 << 20
  /// In all; what does not fit into it is not tried.
  private static let timeLimit = Duration.seconds(3)
  /// Runs that a measurement takes at least: one before the clock, three by it.
  private static let runCount = 4

  private let model: Model
  private let precision: Precision
  private let settings: CPUPlan.Settings
  private let cores: Int
  private let end: ContinuousClock.Instant

  /// The fastest found, compiled.
  package private(set) var best: LiveModel

  /// Measures at once on as many threads as there are cores; what `settings` fix is not measured.
  package init(
    _ model: Model, precision: Precision, settings: CPUPlan.Settings, cores: Int
  ) throws(EngineError) {
    self.model = model
    self.precision = precision
    self.settings = settings
    self.cores = cores
    end = .now + Self.timeLimit
    best = try LiveModel(
      model, precision: precision, plan: settings.plan(cores: cores, threads: cores, maxBatch: 1))
    let image = try PlanMeasurement(network: best.network).lone()
    if settings.threads == nil, cores > 1, try !teamPays(image) { best = best.withoutTeam() }
    try searchBatch(image)
    // The losers' weights and activations.
    OneDNN.returnFreedMemory()
  }

  /// Whether a lone image is faster on all cores.
  private func teamPays(_ image: Duration) throws(EngineError) -> Bool {
    guard isTime(for: image) else { return true }
    let onTeam = try PlanMeasurement(network: best.network).onTeam(image: image)
    return image / onTeam >= Self.teamGain
  }

  /// Tries larger batches as long as they bring more.
  private mutating func searchBatch(_ image: Duration) throws(EngineError) {
    guard settings.maxBatch == nil, isTime(for: image) else { return }
    var bestRate = try rate(best, image)
    for batch in Self.batchCandidates {
      guard best.network.contextByteCount / best.plan.maxBatch * batch <= Self.contextByteLimit,
        isTime(for: image * batch)
      else { return }
      let candidate = try LiveModel(
        model, precision: precision,
        plan: settings.plan(cores: cores, threads: best.plan.threads, maxBatch: batch))
      let rate = try rate(candidate, image)
      guard rate >= bestRate * Self.batchGain else { return }
      (best, bestRate) = (candidate, rate)
    }
  }

  private func rate(_ candidate: LiveModel, _ image: Duration) throws(EngineError) -> Double {
    try PlanMeasurement(network: candidate.network).imagesPerSecond(
      batch: candidate.plan.maxBatch, workers: min(candidate.plan.workers, cores), image: image)
  }

  /// Whether there is time for runs of this length.
  private func isTime(for run: Duration) -> Bool { .now + run * Self.runCount <= end }
}
