import Dispatch
import Synchronization
import Time

/// Spans that wait to be sent.
///
/// ```
/// requests --spans--> queue (at most `spanLimit` and `byteLimit`) --batches--> one thread, SpanExporter
///                       | full: dropped and counted
/// ```
///
/// Whoever adds never waits. A batch is due when there are enough spans for a whole one, or after an
/// interval.
package final class SpanQueue: Sendable {
  /// Spans that wait, 2048, and those of a batch, 512: the defaults of OpenTelemetry's batch
  /// processor.
  package static let spanLimit = 2048
  package static let batchSpanLimit = 512
  /// Bytes of the spans that wait, 4 MiB.
  package static let byteLimit = 4 << 20
  /// Bytes of the spans of a batch, 1 MiB; collectors take up to 20 MiB.
  package static let batchByteLimit = 1 << 20
  /// Memory of the queue, of a batch that is being sent, and of its JSON, 8 MiB.
  package static let memoryByteCount = byteLimit + 4 * batchByteLimit
  /// Time that spans wait for others at most, 5 s.
  package static let usualInterval = Duration.seconds(5)

  private struct State {
    var spans: [TraceSpan] = []
    var byteCount = 0
    var isClosed = false
  }

  private let interval: Duration
  private let metrics: SpanMetrics
  private let state = Mutex(State())
  /// Signalled when a whole batch is there, and at the end.
  private let due = DispatchSemaphore(value: 0)
  private let closed = DispatchSemaphore(value: 0)

  package init(_ metrics: SpanMetrics, interval: Duration = usualInterval) {
    (self.metrics, self.interval) = (metrics, interval)
  }

  /// Adds the spans of one request, all or none; after the end, none.
  package func add(_ spans: [TraceSpan]) {
    let byteCount = spans.reduce(0) { $0 + $1.byteCount }
    let (isAdded, isDue) = state.withLock { state in
      guard !state.isClosed, state.spans.count + spans.count <= Self.spanLimit,
        state.byteCount + byteCount <= Self.byteLimit
      else { return (false, false) }
      let countBefore = state.spans.count
      state.spans += spans
      state.byteCount += byteCount
      let isDue = countBefore < Self.batchSpanLimit && state.spans.count >= Self.batchSpanLimit
      return (true, isDue)
    }
    if !isAdded { metrics.drop(spans.count, .queueFull) }
    if isDue { due.signal() }
  }

  /// Ends waiting: what is there goes out at once, and nothing more is added.
  package func close() {
    state.withLock { $0.isClosed = true }
    due.signal()
    closed.signal()
  }

  // MARK: The thread that sends

  /// Waits for a batch, oldest spans first; nil when the queue is closed and empty.
  package func next() -> [TraceSpan]? {
    while true {
      let (batch, isClosed) = state.withLock { state in
        let isDue = state.isClosed || state.spans.count >= Self.batchSpanLimit
        return (isDue ? Self.take(&state) : [], state.isClosed)
      }
      if !batch.isEmpty { return batch }
      if isClosed { return nil }
      if !due.wait(for: interval) {
        let late = state.withLock { Self.take(&$0) }
        if !late.isEmpty { return late }
      }
    }
  }

  /// Waits; returns false at once when the queue is closed.
  package func pause(for duration: Duration) -> Bool {
    guard !state.withLock(\.isClosed) else { return false }
    return !closed.wait(for: duration)
  }

  private static func take(_ state: inout State) -> [TraceSpan] {
    var (count, byteCount) = (0, 0)
    for span in state.spans.prefix(batchSpanLimit) {
      // One alone always fits: what its strings may have is bounded.
      guard count == 0 || byteCount + span.byteCount <= batchByteLimit else { break }
      count += 1
      byteCount += span.byteCount
    }
    let batch = Array(state.spans.prefix(count))
    state.spans.removeFirst(count)
    state.byteCount -= byteCount
    return batch
  }
}
