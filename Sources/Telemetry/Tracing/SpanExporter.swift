/// Sends the spans of a queue in batches, one after the other, until the queue is closed. Belongs to
/// one thread.
///
///     batch ─ send ─┬─ taken
///               ^   ├─ refused: dropped
///               │   └─ postponed: pause, at most `attemptLimit` times, then dropped
///               └───────┘
package struct SpanExporter<Transport: SpanTransport> {
  /// Times that a batch is sent.
  static var attemptLimit: Int { 5 }
  /// Pause after the first failure, doubled after each further one up to the longest.
  static var firstPause: Duration { .seconds(1) }
  static var longestPause: Duration { .seconds(30) }
  /// Longest pause that a collector may ask for.
  static var requestedPauseLimit: Duration { .seconds(300) }
  /// Fraction by which a pause may be shorter, so that servers do not come back together.
  private static var jitter: Double { 0.5 }

  private let queue: SpanQueue
  private let document: SpanDocument
  private let transport: Transport
  private let metrics: SpanMetrics
  private let log: Log
  /// Waits before a batch is sent again; false where it is not worth waiting any more.
  private let pause: (Duration) -> Bool
  private var isFailing = false

  /// - Parameter pause: For tests; by default it waits until the queue is closed at most.
  package init(
    _ queue: SpanQueue, _ document: SpanDocument, over transport: Transport, metrics: SpanMetrics,
    log: Log, pause: ((Duration) -> Bool)? = nil
  ) {
    (self.queue, self.document, self.transport) = (queue, document, transport)
    (self.metrics, self.log) = (metrics, log)
    self.pause = pause ?? { queue.pause(for: $0) }
  }

  /// Returns when the queue is closed and everything in it has been sent or given up.
  package mutating func run() {
    while let batch = queue.next() { export(batch) }
  }

  private mutating func export(_ batch: [TraceSpan]) {
    let body = document.bytes(batch)
    for attempt in 1...Self.attemptLimit {
      switch transport.send(body) {
      case .taken:
        metrics.export(batch.count)
        recovered()
        return
      case .partlyTaken(let refusedCount, let reason):
        let refused = min(max(refusedCount, 0), batch.count)
        metrics.export(batch.count - refused)
        metrics.drop(refused, .refused)
        failed("\(refused) of \(batch.count) were refused: \(reason)")
        return
      case .refused(let reason):
        metrics.drop(batch.count, .refused)
        failed(reason)
        return
      case .postponed(let reason, let delay):
        failed(reason)
        guard attempt < Self.attemptLimit, pause(Self.delay(after: attempt, asked: delay)) else {
          metrics.drop(batch.count, .undelivered)
          return
        }
      }
    }
  }

  private static func delay(after attempt: Int, asked: Duration?) -> Duration {
    if let asked { return min(asked, requestedPauseLimit) }
    let longest = min(firstPause * (1 << (attempt - 1)), longestPause)
    return longest * Double.random(in: (1 - jitter)...1)
  }

  // MARK: The log, which has a line for each change

  private mutating func failed(_ reason: String) {
    if !isFailing {
      log.write("the collector does not take spans", as: .warning, ["reason": .text(reason)])
    }
    isFailing = true
  }

  private mutating func recovered() {
    if isFailing { log.write("the collector takes spans again") }
    isFailing = false
  }
}
