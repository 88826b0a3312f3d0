import Synchronization
import Telemetry
import Testing

/// A collector that answers as it is told, and takes everything after that.
private final class ScriptedTransport: SpanTransport {
  private let deliveries: Mutex<[SpanDelivery]>
  let bodies = Mutex<[[UInt8]]>([])

  init(_ deliveries: [SpanDelivery]) { self.deliveries = Mutex(deliveries) }

  func send(_ body: [UInt8]) -> SpanDelivery {
    bodies.withLock { $0.append(body) }
    return deliveries.withLock { $0.isEmpty ? .taken : $0.removeFirst() }
  }
}

@Suite struct SpanExporterTests {
  private struct Outcome {
    var bodies: [[UInt8]]
    var pauses: [Duration]
    let metrics: SpanMetrics
  }

  /// Sends two batches, the first of five spans, to a collector that answers like this.
  private func export(_ deliveries: [SpanDelivery], pausesEnd: Bool = false) -> Outcome {
    let metrics = SpanMetrics()
    let queue = SpanQueue(metrics)
    let document = SpanDocument(resource: [], scope: ("test", "1"))
    let transport = ScriptedTransport(deliveries)
    queue.add(
      (0..<5).map { TraceSpan("\($0)", .server, trace: TraceID(), start: 0, end: $0) })
    queue.close()
    var pauses: [Duration] = []
    var exporter = SpanExporter(
      queue, document, over: transport, metrics: metrics,
      log: Log(format: .json, descriptor: -1)
    ) { duration in
      pauses.append(duration)
      return !pausesEnd
    }
    exporter.run()
    return Outcome(
      bodies: transport.bodies.withLock { $0 }, pauses: pauses, metrics: metrics)
  }

  @Test("What the collector takes is counted, and sent once")
  func taken() {
    let outcome = export([])
    #expect(outcome.bodies.count == 1 && outcome.pauses.isEmpty)
    #expect(outcome.metrics.exportedCount == 5)
  }

  @Test("What is postponed is sent again after growing pauses, the same body")
  func postponed() {
    let later = SpanDelivery.postponed(reason: "it answered 503")
    let outcome = export([later, later, later])
    #expect(outcome.bodies.count == 4 && Set(outcome.bodies).count == 1)
    #expect(outcome.metrics.exportedCount == 5)
    #expect(outcome.metrics.droppedCount(.undelivered) == 0)
    for (pause, longest) in zip(outcome.pauses, [1, 2, 4]) {
      #expect((Duration.milliseconds(500 * longest)...Duration.seconds(longest)).contains(pause))
    }
    #expect(outcome.pauses.count == 3)
  }

  @Test("The collector's own pause holds, up to a limit")
  func retryAfter() {
    let outcome = export([
      .postponed(reason: "a", after: .seconds(7)),
      .postponed(reason: "b", after: .seconds(1 << 40)),
    ])
    #expect(outcome.pauses == [.seconds(7), .seconds(300)])
  }

  @Test("After some attempts, or when the process ends, a batch is dropped")
  func undelivered() {
    let later = SpanDelivery.postponed(reason: "it answered 503")
    let outcome = export([SpanDelivery](repeating: later, count: 9))
    #expect(outcome.bodies.count == 5 && outcome.pauses.count == 4)
    #expect(outcome.metrics.droppedCount(.undelivered) == 5)
    let ended = export([later], pausesEnd: true)
    #expect(ended.bodies.count == 1 && ended.metrics.droppedCount(.undelivered) == 5)
    #expect(ended.metrics.exportedCount == 0)
  }

  @Test("What is refused is not sent again; of what is partly taken the rest is counted")
  func refused() {
    let outcome = export([.refused(reason: "it answered 400")])
    #expect(outcome.bodies.count == 1 && outcome.metrics.droppedCount(.refused) == 5)
    let partly = export([.partlyTaken(refusedCount: 2, reason: "too old")])
    #expect(partly.bodies.count == 1)
    #expect(partly.metrics.exportedCount == 3 && partly.metrics.droppedCount(.refused) == 2)
    let liar = export([.partlyTaken(refusedCount: 99, reason: "")])
    #expect(liar.metrics.exportedCount == 0 && liar.metrics.droppedCount(.refused) == 5)
  }

  @Test("Only the statuses that the protocol lists are worth another attempt", arguments: 300...599)
  func statuses(_ status: Int) {
    let delivery = SpanDelivery(status: status, retryAfter: .seconds(2))
    let reason = "it answered \(status)"
    #expect(
      delivery
        == ([429, 502, 503, 504].contains(status)
          ? .postponed(reason: reason, after: .seconds(2)) : .refused(reason: reason)))
  }
}
