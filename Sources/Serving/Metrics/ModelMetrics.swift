import Checkpoint
import Engine
import Inference
import Telemetry
import Time

/// Distributions for one model, labelled by its version. Any thread may add to them without
/// waiting.
package final class ModelMetrics: Sendable {
  /// Buckets of durations, from a tenth of a millisecond to the default's longest deadline.
  static let durations = Buckets(
    [
      100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000,
      50_000_000, 100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000,
      5_000_000_000, 10_000_000_000, 30_000_000_000,
    ], decimals: 9)
  private static let batchSizes = Buckets([1, 2, 4, 8, 16, 32, 64])

  /// Version as the label shows it.
  let version: String
  let requestDuration: Histograms<RouteLabels>
  let stageDuration: Histograms<Stage>
  let batchSize: Histograms<NoLabels>
  /// Time from a request's first byte to its answer.
  let classificationDuration: Histograms<ClassificationOutcome>

  init(version: String) {
    self.version = version
    let common = [(name: "version", value: version)]
    requestDuration = Histograms(Self.durations, common: common)
    stageDuration = Histograms(Self.durations, common: common)
    batchSize = Histograms(Self.batchSizes, common: common)
    classificationDuration = Histograms(Self.durations, common: common)
  }

  /// Records that a request has ended that was admitted to this model.
  func classified(_ outcome: ClassificationOutcome, after duration: Duration) {
    classificationDuration.observe(duration.nanoseconds, outcome)
  }

  /// Records the time that a request has spent on a stage.
  package func spent(_ duration: Duration, on stage: Stage) {
    stageDuration.observe(duration.nanoseconds, stage)
  }
}

/// Model as its gauges show it.
struct ModelInfo: Sendable {
  let labels: MetricLabelPairs
  let referenceStepCount: Int

  init(_ model: CompiledModel) {
    labels = Self.labels(of: model)
    referenceStepCount = model.network.referenceStepCount
  }

  static func labels(of model: CompiledModel) -> MetricLabelPairs {
    [
      ("version", model.version.short), ("name", model.name),
      ("classes", String(model.labels.count)), ("precision", model.precision.rawValue),
    ]
  }
}

/// Canary as its gauges show it.
struct CanaryGauge: Sendable {
  let labels: MetricLabelPairs
  /// Hundredths of a percent of the requests.
  let percentHundredths: Int
}
