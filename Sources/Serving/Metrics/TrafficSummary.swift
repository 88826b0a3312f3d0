import HTTPCore
import Machine
import Synchronization
import Telemetry

/// Sums over all models for administrators who look at a server, in place of the many series of
/// `/metrics`. Counts only grow, but for those of former versions that are no longer shown.
struct TrafficSummary: Sendable {
  /// Answers to requests for classifications by the first digit of their status, 1 to 5.
  let answerCounts: [Int]
  /// Bounds of the time of answered requests, in nanoseconds.
  let latencyBounds: [Int]
  /// Answered requests in each bucket, that of longer ones last.
  let latencyCounts: [Int]
  let queueDepth: Int
  /// Complete requests that have no answer yet.
  let inFlight: Int
  /// Bytes that may be taken in all, and those that are reserved by use; nil if nobody counts them.
  let memoryLimit: Int?
  let memory: [(use: MemoryUse, byteCount: Int)]
}

extension ServingMetrics {
  /// Returns the sums as they are now; any thread may call it.
  func summary() -> TrafficSummary {
    let (gauges, models) = (gauges.withLock { $0 }, models.withLock { $0.versions })
    var answerCounts = [Int](repeating: 0, count: 5)
    for labels in AnswerLabels.all where labels.route.route?.takesImages ?? false {
      answerCounts[labels.status / 100 - 1] += requests[labels]
    }
    let bounds = ModelMetrics.durations.bounds
    var latencyCounts = [Int](repeating: 0, count: bounds.count + 1)
    for model in models {
      for (index, count) in model.classificationDuration.counts(.answered).enumerated() {
        latencyCounts[index] += count
      }
    }
    return TrafficSummary(
      answerCounts: answerCounts, latencyBounds: bounds, latencyCounts: latencyCounts,
      queueDepth: gauges.queueDepth(), inFlight: gauges.inFlight(),
      memoryLimit: gauges.memory?.byteCount,
      memory: MemoryUse.allCases.map { ($0, gauges.memory?.usedByteCount(for: $0) ?? 0) })
  }
}
