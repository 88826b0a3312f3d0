import Checkpoint
import Decoding
import Foundation
import HTTPCore
import HTTPServer
import Imaging
import Inference
import Serving
import Synchronization
import Testing

/// Requests of many images and of one that share a worker, and the fate of late ones.
@Suite struct TurnTests {
  /// Decoders that note the order of images, and hold the worker as long as a test wants.
  final class WatchedDecoders: DecoderSource {
    /// Last byte of each image, in the order of decoding.
    let order = Mutex<[UInt8]>([])
    private let action: @Sendable (UInt8) -> Void

    /// Makes decoders; `action` runs on the worker before an image is decoded.
    init(_ action: @escaping @Sendable (UInt8) -> Void = { _ in }) { self.action = action }

    func makeDecoder(overdraws: Bool) -> any ImageDecoder { Decoder(self) }

    private final class Decoder: ImageDecoder {
      private let source: WatchedDecoders
      private let local = LocalDecoder()

      init(_ source: WatchedDecoders) { self.source = source }

      func takeBack(_ image: UnfinishedImage) {}

      func begin(
        _ encoded: Span<UInt8>, by preprocessor: ImagePreprocessor,
        into output: inout MutableSpan<UInt8>, until deadline: ContinuousClock.Instant,
        patience: Duration?
      ) throws(DecodingFailure) -> UnfinishedImage? {
        let mark = encoded[encoded.count - 1]
        source.order.withLock { $0.append(mark) }
        source.action(mark)
        return try local.begin(
          encoded, by: preprocessor, into: &output, until: deadline, patience: patience)
      }
    }
  }

  /// Returns a PNG with a byte after its end, which no decoder reads.
  private func image(_ mark: UInt8) throws -> [UInt8] {
    try goldenImage().encodedImage + [mark]
  }

  private func list(_ marks: [UInt8]) throws -> Request {
    let images = try marks.map { #""\#(Data(try image($0)).base64EncodedString())""# }
    return try Request(
      "POST", "/classify?top_k=1", [("Content-Type", "application/json")],
      body: Array(#"{"images": [\#(images.joined(separator: ","))]}"#.utf8))
  }

  private final class Answers: Sendable {
    let statuses = Mutex<[String: [Int]]>([:])
    let arrived = DispatchSemaphore(value: 0)

    func ask(
      _ service: TestService, _ name: String, _ request: Request,
      receivedAt: ContinuousClock.Instant = .now
    ) -> Exchange {
      let exchange = Exchange(receivedAt: receivedAt)
      service.service.handle(request, exchange)
      let note = { @Sendable (response: Response) in
        self.statuses.withLock { $0[name, default: []].append(response.status) }
        self.arrived.signal()
      }
      if let immediate = exchange.handlerReturned(deliver: note) { note(immediate) }
      return exchange
    }

    subscript(name: String) -> [Int] { statuses.withLock { $0[name] ?? [] } }
  }

  /// A service of one worker, held in the middle of decoding the image with the mark 1.
  private struct HeldService {
    let begun = DispatchSemaphore(value: 0)
    let mayGoOn = DispatchSemaphore(value: 0)
    let decoders: WatchedDecoders
    let service: TestService

    init(maxBatch: Int) throws {
      decoders = WatchedDecoders { [begun, mayGoOn] mark in
        guard mark == 1 else { return }
        begun.signal()
        mayGoOn.wait()
      }
      service = try TestService(
        plan: CPUPlan(workers: 1, threads: 1, maxBatch: maxBatch), decoders: decoders)
    }
  }

  @Test("A request of many images lets others have their turn after each of its own")
  func turns() throws {
    let held = try HeldService(maxBatch: 4)
    let (service, decoders, answers) = (held.service, held.decoders, Answers())
    _ = answers.ask(service, "many", try list([1, 2, 3, 4, 5, 6]))
    held.begun.wait()
    for mark in UInt8(11)...13 {
      _ = answers.ask(
        service, "one", try Request("POST", "/classify?top_k=1", body: try image(mark)))
    }
    held.mayGoOn.signal()
    for _ in 0..<4 { answers.arrived.wait() }
    let order = decoders.order.withLock(\.self)
    // Each of the three comes before the third image of the first request.
    let third = try #require(order.firstIndex(of: 3))
    #expect(order.filter { $0 > 10 } == [11, 12, 13])
    #expect(try #require(order.firstIndex(of: 13)) < third, "\(order)")
    #expect(order.filter { $0 < 10 } == [1, 2, 3, 4, 5, 6])
    #expect(answers["many"] == [200] && answers["one"] == [200, 200, 200])
  }

  @Test("A request that is alone fills whole batches")
  func alone() async throws {
    let service = try TestService(plan: CPUPlan(workers: 1, threads: 1, maxBatch: 4))
    #expect(await service.answer(try list([1, 2, 3, 4, 5, 6, 7, 8])).status == 200)
    let metrics = await service.answer(try Request("GET", "/metrics"))
    let text = String(decoding: metrics.body, as: UTF8.self)
    #expect(text.contains(#"resnetd_batch_size_count{version="8a3ca0d18ee4"} 2"#))
    #expect(text.contains(#"resnetd_batch_size_sum{version="8a3ca0d18ee4"} 8"#))
  }

  @Test("Two requests of many images have their turns one after the other")
  func twoOfMany() throws {
    let held = try HeldService(maxBatch: 1)
    let (service, decoders, answers) = (held.service, held.decoders, Answers())
    _ = answers.ask(service, "first", try list([1, 2, 3, 4]))
    held.begun.wait()
    _ = answers.ask(service, "second", try list([11, 12, 13, 14]))
    held.mayGoOn.signal()
    for _ in 0..<2 { answers.arrived.wait() }
    #expect(decoders.order.withLock(\.self) == [1, 11, 2, 12, 3, 13, 4, 14])
    #expect(answers["first"] == [200] && answers["second"] == [200])
  }

  @Test("A deadline is answered while the request waits, is decoded or has more images; once")
  func deadlines() throws {
    let held = try HeldService(maxBatch: 1)
    let (service, decoders, answers) = (held.service, held.decoders, Answers())
    _ = answers.ask(service, "decoded", try list([1, 2, 3]))
    held.begun.wait()
    _ = answers.ask(
      service, "waiting", try Request("POST", "/classify", body: try image(20)))
    let gone = answers.ask(service, "gone", try Request("POST", "/classify", body: try image(21)))
    let later = ContinuousClock.now + service.limits.requestTimeout + .seconds(1)
    _ = answers.ask(
      service, "in time", try Request("POST", "/classify", body: try image(22)), receivedAt: later)
    #expect(service.pool.pendingCount == 4 && service.pool.queuedCount == 3)
    service.pool.sweep(at: .now)
    #expect(answers["gone"].isEmpty && service.pool.queuedCount == 3)
    gone.cancel()
    service.pool.sweep(at: .now)
    #expect(answers["gone"] == [504] && service.pool.queuedCount == 2)
    // The worker stands still all this time.
    service.pool.sweep(at: later)
    #expect(answers["decoded"] == [504] && answers["waiting"] == [504])
    #expect(service.pool.pendingCount == 1 && service.pool.queuedCount == 1)
    held.mayGoOn.signal()
    while answers["in time"].isEmpty { answers.arrived.wait() }
    #expect(answers["in time"] == [200])
    // The images that nobody waited for any more were not begun.
    #expect(decoders.order.withLock(\.self) == [1, 22])
    service.pool.close()
    for name in ["decoded", "waiting", "gone", "in time"] { #expect(answers[name].count == 1) }
  }

  @Test("A client's own deadline is answered by the pool itself")
  func ownDeadline() throws {
    let mayGoOn = DispatchSemaphore(value: 0)
    let decoders = WatchedDecoders { _ in mayGoOn.wait() }
    let service = try TestService(
      plan: CPUPlan(workers: 1, threads: 1, maxBatch: 1), decoders: decoders)
    let answers = Answers()
    _ = answers.ask(
      service, "short",
      try Request("POST", "/classify", [("X-Request-Timeout-Ms", "1")], body: try image(1)))
    answers.arrived.wait()
    #expect(answers["short"] == [504])
    mayGoOn.signal()
    mayGoOn.signal()
  }

  @Test("Images beyond a request's limit of pixels are refused, those before are answered")
  func pixels() async throws {
    var limits = ServingLimits()
    limits.requestPixelCountLimit = 2 * 32 * 32 + 100
    let service = try TestService(limits: limits)
    let response = await service.answer(try list([1, 2, 3, 4]))
    #expect(response.status == 200)
    let results = try #require(try response.json()["results"] as? [[String: Any]])
    let errors = results.map { $0["error"] as? [String: Any] }
    #expect(errors.map { $0?["status"] as? Int } == [nil, nil, 413, 413])
    #expect(errors[2]?["type"] as? String == "urn:resnetd:problem:too-many-pixels")
  }

  @Test("The pixels of the shortest images count as well")
  func pixelsOfShortImages() async throws {
    // Lossless WebP: 100 x 100 pixels of one colour.
    let image: [UInt8] = [
      82, 73, 70, 70, 20, 0, 0, 0, 87, 69, 66, 80, 86, 80, 56, 76, 8, 0, 0, 0, 47, 99, 192, 24, 0,
      136, 136, 8,
    ]
    var limits = ServingLimits()
    limits.requestPixelCountLimit = 25_000
    let service = try TestService(limits: limits)
    let text = #""\#(Data(image).base64EncodedString())""#
    let response = await service.answer(
      try Request(
        "POST", "/classify", [("Content-Type", "application/json")],
        body: Array(#"{"images": [\#(text),\#(text),\#(text)]}"#.utf8)))
    let results = try #require(try response.json()["results"] as? [[String: Any]])
    let errors = results.map { $0["error"] as? [String: Any] }
    #expect(errors.map { $0?["status"] as? Int } == [nil, nil, 413])
  }

  @Test("A full queue is told at the head, before the body is read")
  func fullAtHead() throws {
    var limits = ServingLimits()
    limits.queueCountLimit = 1
    let service = try TestService(
      limits: limits,
      plan: CPUPlan(workers: 1, threads: 1, maxBatch: 4, maxQueueDelay: .seconds(3600)))
    let answers = Answers()
    let request = try Request(
      "POST", "/classify", [("Content-Length", "100")], body: try image(1))
    guard case .accept = service.service.receive(request.head) else {
      Issue.record("refused too early")
      return
    }
    _ = answers.ask(service, "waits", request)
    guard case .answer(let response) = service.service.receive(request.head) else {
      Issue.record("not refused")
      return
    }
    #expect(response.status == 429 && response.fields["Retry-After"] != nil)
    service.pool.close()
    #expect(answers["waits"] == [200])
  }

  @Test("A worker that stands still makes the server not ready, and alive; one that goes on, ready")
  func standingStill() throws {
    let begun = DispatchSemaphore(value: 0)
    let mayGoOn = DispatchSemaphore(value: 0)
    let decoders = WatchedDecoders { _ in
      begun.signal()
      mayGoOn.wait()
    }
    let service = try TestService(
      plan: CPUPlan(workers: 2, threads: 1, maxBatch: 1), decoders: decoders)
    func probe(_ path: String) throws -> Response {
      let head = try Request("GET", path).head
      guard case .answer(let response) = service.service.receive(head) else {
        throw CancellationError()
      }
      return response
    }
    let answers = Answers()
    _ = answers.ask(service, "one", try Request("POST", "/classify", body: try image(1)))
    begun.wait()
    _ = service.pool.look(after: .zero)
    #expect(try probe("/readyz").status == 200)
    let found = service.pool.look(after: service.limits.requestTimeout + .seconds(1))
    guard case .stalled(let worker, _) = found else {
      Issue.record("not noticed: \(found)")
      return
    }
    #expect(0..<2 ~= worker)
    let refused = try probe("/readyz")
    #expect(refused.status == 503 && refused.fields["Retry-After"] != nil)
    #expect(try refused.problemKind() == "worker-stalled")
    #expect(try probe("/livez").status == 200 && probe("/startupz").status == 200)
    let end = service.pool.look(after: service.limits.stallTimeout)
    guard case .lost(worker, _) = end else {
      Issue.record("not lost: \(end)")
      return
    }
    mayGoOn.signal()
    answers.arrived.wait()
    #expect(answers["one"] == [200])
    _ = service.pool.look(after: .zero)
    #expect(try probe("/readyz").status == 200)
  }
}
