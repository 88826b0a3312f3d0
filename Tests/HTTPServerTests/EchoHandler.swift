import Dispatch
import HTTPCore
import HTTPServer
import Synchronization

/// Handler that answers at once, from another thread, or when the test wants it to.
///
/// - `/echo` answers with the body, `/later` does so from another thread
/// - `/bytes?N` answers with N bytes
/// - `/stream` takes the body part by part and answers with the whole of it
/// - `/hold` waits for the test, `/drop` forgets its exchange, `/refuse` wants no body
/// - `/block` keeps its connection's queue until the test releases it
/// - `/essential` is an essential request
final class EchoHandler: RequestHandler {
  static let bodyByteLimit = 1 << 20

  private let queue = DispatchQueue(label: "resnetd.tests.later")
  private let held = Events<Exchange>()
  private let blocked = Events<DispatchSemaphore>()
  private let ends = Events<Int>()
  private let records = Events<ExchangeRecord>()
  private let writes = Events<(head: RequestHead?, duration: Duration)>()

  func receive(_ head: RequestHead, from address: String) -> Reception {
    switch head.target.path {
    case "/refuse": return .answer(Response(status: 404))
    case "/stream":
      let sink = CollectingSink(events: ends)
      return .stream(
        bodyByteLimit: Self.bodyByteLimit, to: sink,
        then: Handling { request, exchange in
          exchange.respond(Response(status: 200, body: request.body.isEmpty ? sink.bytes : []))
        })
    default: return .accept(bodyByteLimit: Self.bodyByteLimit, then: Handling(handle))
    }
  }

  func isEssential(_ head: RequestHead) -> Bool { head.target.path == "/essential" }

  func answer(_ failure: ParseFailure, fields: HeaderFields?) -> Response { failure.response }

  private func handle(_ request: Request, _ exchange: Exchange) {
    let answer = Response(
      status: 200, contentType: "text/plain", text: String(decoding: request.body, as: UTF8.self))
    switch request.head.target.path {
    case "/bytes":
      let count = request.head.target.query.first.flatMap { Int($0.name) } ?? 0
      exchange.respond(Response(status: 200, body: Self.bytes(count)))
    case "/later": queue.async { exchange.respond(answer) }
    case "/hold": held.add(exchange)
    case "/drop": break
    case "/block":
      let release = DispatchSemaphore(value: 0)
      blocked.add(release)
      release.wait()
      exchange.respond(answer)
    default: exchange.respond(answer)
    }
  }

  func finished(_ record: ExchangeRecord) { records.add(record) }

  func written(_ head: RequestHead?, after duration: Duration) { writes.add((head, duration)) }

  /// The next request that `/hold` keeps waiting.
  func nextHeld() -> Exchange { held.next() }

  /// Returns a semaphore that releases the next `/block` when signalled.
  func nextBlocked() -> DispatchSemaphore { blocked.next() }

  /// Returns how many bytes had come when the next sink of a streamed body was released.
  func nextEnd() -> Int { ends.next() }

  func nextRecord() -> ExchangeRecord { records.next() }

  func nextWritten() -> (head: RequestHead?, duration: Duration) { writes.next() }

  /// Makes bytes that are the same on every call, and differ from those some hundred bytes on.
  static func bytes(_ count: Int) -> [UInt8] {
    precondition(count <= pattern.count)
    return Array(pattern[..<count])
  }

  private static let pattern = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 % 251) }
}

/// Sink that keeps what it gets, and tells when it is released.
final class CollectingSink: BodySink {
  private let collected = Mutex<[UInt8]>([])
  private let events: Events<Int>

  init(events: Events<Int>) { self.events = events }

  deinit { events.add(bytes.count) }

  var bytes: [UInt8] { collected.withLock { $0 } }

  func receive(_ part: [UInt8]) { collected.withLock { $0 += part } }
}

/// Events on other threads, in their order.
final class Events<Event: Sendable>: Sendable {
  private let events = Mutex<[Event]>([])
  private let count = DispatchSemaphore(value: 0)

  func add(_ event: Event) {
    events.withLock { $0.append(event) }
    count.signal()
  }

  /// Waits for the next event; a minute without one ends the tests.
  func next() -> Event {
    precondition(
      count.wait(timeout: .now() + .seconds(60)) == .success, "an event must happen in a minute")
    return events.withLock { $0.removeFirst() }
  }
}
