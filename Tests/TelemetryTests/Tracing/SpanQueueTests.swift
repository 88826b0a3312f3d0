import Telemetry
import Testing

@Suite struct SpanQueueTests {
  private static let trace = TraceID()

  private func spans(_ count: Int, textByteCount: Int = 0) -> [TraceSpan] {
    (0..<count).map { index in
      TraceSpan(
        "\(index)", .server, trace: Self.trace, start: index, end: index,
        attributes: textByteCount == 0
          ? [] : [SpanAttribute("text", String(repeating: "x", count: textByteCount))])
    }
  }

  @Test("Spans come out in their order, a batch at a time, and after the end nil")
  func batches() {
    let queue = SpanQueue(SpanMetrics())
    let all = spans(SpanQueue.batchSpanLimit + 3)
    for span in all { queue.add([span]) }
    #expect(queue.next() == Array(all.prefix(SpanQueue.batchSpanLimit)))
    queue.close()
    #expect(queue.next() == Array(all.suffix(3)))
    #expect(queue.next() == nil)
    #expect(queue.next() == nil)
  }

  @Test("Fewer spans than a batch come after the interval")
  func interval() {
    let queue = SpanQueue(SpanMetrics(), interval: .milliseconds(1))
    let some = spans(2)
    queue.add(some)
    #expect(queue.next() == some)
  }

  @Test("The spans of a request that do not all fit are dropped and counted")
  func countLimit() {
    let metrics = SpanMetrics()
    let queue = SpanQueue(metrics)
    queue.add(spans(SpanQueue.spanLimit - 1))
    queue.add(spans(2))
    #expect(metrics.droppedCount(.queueFull) == 2)
    queue.add(spans(1))
    #expect(metrics.droppedCount(.queueFull) == 2)
    queue.close()
    queue.add(spans(1))
    #expect(metrics.droppedCount(.queueFull) == 3)
    var count = 0
    while let batch = queue.next() { count += batch.count }
    #expect(count == SpanQueue.spanLimit)
  }

  @Test("Bytes are limited, of the queue and of a batch, and given back")
  func byteLimit() {
    let metrics = SpanMetrics()
    let queue = SpanQueue(metrics)
    let large = TraceSpan(
      "large", .server, trace: Self.trace, start: 0, end: 0,
      attributes: (0..<64).map {
        SpanAttribute("\($0)", String(repeating: "x", count: SpanAttribute.textByteLimit))
      })
    let fitting = SpanQueue.byteLimit / (64 * SpanAttribute.textByteLimit)
    for _ in 0..<2 * fitting { queue.add([large]) }
    let droppedCount = metrics.droppedCount(.queueFull)
    #expect(fitting...fitting + 8 ~= droppedCount)
    queue.close()
    var counts: [Int] = []
    while let batch = queue.next() { counts.append(batch.count) }
    #expect(counts.reduce(0, +) == 2 * fitting - droppedCount)
    #expect(counts.allSatisfy { $0 <= SpanQueue.batchByteLimit / (64 * 1024) })
  }

  @Test("A pause ends with the queue")
  func pause() {
    let queue = SpanQueue(SpanMetrics())
    #expect(queue.pause(for: .milliseconds(1)))
    queue.close()
    #expect(!queue.pause(for: .seconds(3600)))
  }
}
