import Dispatch
import Inference
import Synchronization
import Telemetry
import Time

/// The thread that sends spans, from the start of a server to its end.
final class SpanSender: Sendable {
  /// Time for the last spans to be sent.
  private static let flushLimit = Duration.seconds(2)
  /// Time after that for an exchange in progress to end.
  private static let patience = Duration.seconds(1)

  let options: TracingOptions
  let queue: SpanQueue
  private let metrics: SpanMetrics
  private let log: Log
  private let thread = Mutex<WorkerThread?>(nil)
  private let isStopped = Atomic(false)
  private let ended = DispatchSemaphore(value: 0)

  init(_ options: TracingOptions, _ metrics: SpanMetrics, _ log: Log) {
    (self.options, self.metrics, self.log) = (options, metrics, log)
    queue = SpanQueue(metrics, interval: options.interval)
  }

  /// Starts the thread; called once.
  func start() throws(Failure) {
    let started = WorkerThread { [self] in
      let connection = CollectorConnection(options) { [self] in
        !isStopped.load(ordering: .relaxed)
      }
      let document = SpanDocument(
        resource: options.resource, scope: ("resnetd", Version.number))
      var exporter = SpanExporter(
        queue, document, over: connection, metrics: metrics, log: log)
      exporter.run()
      ended.signal()
    }
    guard let started else { throw Failure("no thread can be started that sends spans") }
    thread.withLock { $0 = started }
  }

  /// Sends what is left, but not for long, and ends the thread; called once.
  func stop() {
    queue.close()
    guard let thread = thread.withLock({ $0.take() }) else { return }
    var hasEnded = ended.wait(for: Self.flushLimit)
    if !hasEnded {
      isStopped.store(true, ordering: .relaxed)
      hasEnded = ended.wait(for: Self.patience)
    }
    if hasEnded { thread.join() } else { thread.detach() }
  }
}
