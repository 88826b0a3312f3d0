/// Counts of the spans that were recorded here. Any thread may add to them without waiting.
package final class SpanMetrics: Sendable {
  private let exported = Counters<NoLabels>(
    "resnetd_trace_spans_exported_total", "Spans that the collector has taken.")
  private let dropped = Counters<SpanLoss>(
    "resnetd_trace_spans_dropped_total", "Spans that were recorded and that nobody has.")

  package init() {}

  package var exportedCount: Int { exported[NoLabels()] }

  package func droppedCount(_ reason: SpanLoss) -> Int { dropped[reason] }

  package func write(to exposition: inout Exposition) {
    exported.write(to: &exposition)
    dropped.write(to: &exposition)
  }

  func export(_ count: Int) { exported.add(NoLabels(), count) }

  func drop(_ count: Int, _ reason: SpanLoss) { dropped.add(reason, count) }
}

/// Reason why a span was dropped.
package enum SpanLoss: String, MetricLabel {
  /// As many as are kept waited for the collector already.
  case queueFull = "queue_full"
  /// The collector answered that it will not have it.
  case refused
  /// The collector was not reached, or had no room, again and again or until the process ended.
  case undelivered

  package static let labelName = "reason"
}
