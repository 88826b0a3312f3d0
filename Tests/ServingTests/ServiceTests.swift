import Checkpoint
import Decoding
import Foundation
import HTTPCore
import HTTPServer
import Inference
import Machine
import Serving
import Telemetry
import Testing

@Suite struct ServiceTests {
  @Test("An image is answered with its classes in order", arguments: ["POST", "PUT"])
  func classifies(method: String) async throws {
    let image = try goldenImage()
    let request = try Request(
      method, "/classify?top_k=3", [("X-Request-Id", "seen")], body: image.encodedImage)
    let response = await (try TestService()).answer(request)
    #expect(response.status == 200)
    #expect(response.fields["X-Request-Id"] == "seen")
    #expect(response.fields["Server-Timing"]?.contains("inference;dur=") == true)
    let predictions = try #require(try response.json()["predictions"] as? [[String: Any]])
    let expected = Ranking(image.logits, by: OutputRule(), count: 3, minimum: nil)
    #expect(predictions.map { $0["class"] as? Int } == expected.entries.map(\.index))
    let model = try #require(try response.json()["model"] as? [String: Any])
    #expect((model["version"] as? String)?.count == 12)
  }

  @Test("One bad image never fails its neighbours")
  func mixedList() async throws {
    let image = Data(try goldenImage().encodedImage).base64EncodedString()
    let body = #"{"images": ["\#(image)", "AAAA", "*", "\#(image)"]}"#
    let request = try Request(
      "POST", "/classify", [("Content-Type", "application/json")], body: Array(body.utf8))
    let response = await (try TestService()).answer(request)
    #expect(response.status == 200)
    let results = try #require(try response.json()["results"] as? [[String: Any]])
    #expect(results.map { $0["predictions"] != nil } == [true, false, false, true])
    #expect(
      results.map { ($0["error"] as? [String: Any])?["status"] as? Int } == [nil, 415, 400, nil])
  }

  @Test(
    "Refusals have their status and a stable type",
    arguments: [
      ("POST", "/nothing", 404, "not-found"), ("GET", "/classify", 405, "method-not-allowed"),
      ("DELETE", "/livez", 405, "method-not-allowed"),
      ("POST", "/classify?top_k=0", 400, "invalid-parameter"),
      ("POST", "/classify?topk=3", 400, "invalid-parameter"),
      ("POST", "/classify", 400, "malformed-body"),
      ("BREW", "/classify", 501, "method-unknown"), ("post", "/classify", 501, "method-unknown"),
      ("PATCH", "/classify", 405, "method-not-allowed"),
      ("BREW", "/livez", 501, "method-unknown"),
    ])
  func refusals(method: String, target: String, status: Int, kind: String) async throws {
    let response = await (try TestService()).answer(try Request(method, target))
    #expect(response.status == status)
    #expect(try response.problemKind() == kind)
    if status == 405 { #expect(response.fields["Allow"]?.isEmpty == false) }
  }

  @Test(
    "What is no image says why",
    arguments: [
      ([0x42], 415, "unsupported-image"),
      ([0xff, 0xd8, 0xff, 0xe0, 0, 16], 400, "truncated-image"),
      (Array("\u{89}PNG\r\n\u{1a}\n".unicodeScalars.map { UInt8($0.value) }), 400, nil),
    ] as [([UInt8], Int, String?)])
  func images(body: [UInt8], status: Int, kind: String?) async throws {
    let response = await (try TestService()).answer(
      try Request("POST", "/classify", body: body))
    #expect(response.status == status)
    if let kind { #expect(try response.problemKind() == kind) }
  }

  @Test(
    "An image that cannot be read names what it was sent as",
    arguments: [
      ("image/png", "%PDF-1.7", #"Content-Type is "image/png""#),
      (nil, "%PDF-1.7", "Content-Type is missing"),
      ("application/x-www-form-urlencoded", "%PDF-1.7", "--data-binary"),
      ("application/x-www-form-urlencoded", "image=abc", "multipart/form-data"),
      ("application/x-www-form-urlencoded", "GIF89a", "--data-binary"),
    ] as [(String?, String, String)])
  func sentAs(type: String?, body: String, words: String) async throws {
    let fields = type.map { [("Content-Type", $0)] } ?? []
    let response = await (try TestService()).answer(
      try Request("POST", "/classify", fields, body: Array(body.utf8)))
    let detail = try #require(try response.json()["detail"] as? String)
    #expect(detail.contains(words), "\(detail)")
    #expect(detail.contains("JPEG") || body.hasPrefix("GIF"), "\(detail)")
  }

  @Test("A part of a form that is not an image is named in its result")
  func partNames() async throws {
    let head = "--b\r\nContent-Disposition: form-data; filename=x; name="
    let image = try goldenImage().encodedImage
    let body =
      Array("\(head)first\r\n\r\n".utf8) + image
      + Array("\r\n\(head)notes\r\n\r\nsome text\r\n--b--".utf8)
    let response = await (try TestService()).answer(
      try Request(
        "POST", "/classify", [("Content-Type", "multipart/form-data; boundary=b")], body: body))
    let results = try #require(try response.json()["results"] as? [[String: Any]])
    #expect(results[0]["predictions"] != nil)
    let detail = try #require((results[1]["error"] as? [String: Any])?["detail"] as? String)
    #expect(
      detail.contains("are text") && detail.contains(#"the form's part "notes""#), "\(detail)")
  }

  @Test("Parameters in the body count as those of the query do")
  func bodyParameters() async throws {
    let service = try TestService()
    let image = Data(try goldenImage().encodedImage).base64EncodedString()
    func ask(_ topK: Int, _ query: String = "") async throws -> Response {
      await service.answer(
        try Request(
          "POST", "/classify" + query, [("Content-Type", "text/plain")],
          body: Array(#"{"image": "\#(image)", "top_k": \#(topK)}"#.utf8)))
    }
    let response = try await ask(2)
    #expect((try response.json()["predictions"] as? [Any])?.count == 2)
    for (topK, query) in [(11, ""), (2, "?top_k=3")] {
      let response = try await ask(topK, query)
      #expect(response.status == 400)
      #expect(try response.problemKind() == "invalid-parameter")
    }
  }

  /// Decoders as they are after the process that starts them has ended.
  private struct LostDecoders: DecoderSource {
    func makeDecoder(overdraws: Bool) -> any ImageDecoder {
      LocalDecoders().makeDecoder(overdraws: overdraws)
    }

    var fault: String? { "no decoder can be started any more" }
  }

  @Test("A server that cannot decode is not ready, and says when to ask again")
  func lostDecoders() async throws {
    let response = await (try TestService(decoders: LostDecoders())).answer(
      try Request("GET", "/readyz"))
    #expect(response.status == 503 && response.fields["Retry-After"] == "1")
    #expect(try response.problemKind() == "no-decoders")
  }

  @Test("Probes pass over what their query says", arguments: ["/livez", "/readyz", "/metrics"])
  func probeQueries(path: String) async throws {
    let response = await (try TestService()).answer(try Request("GET", path + "?topk=3&topk=3"))
    #expect(response.status == 200)
  }

  @Test("Content that is coded by others or partial is refused before it is read")
  func content() throws {
    let service = try TestService().service
    func refusal(_ method: String, _ fields: [(String, String)]) throws -> Response? {
      let head = try Request(method, "/classify", fields).head
      guard case .answer(let response) = service.receive(head) else { return nil }
      return response
    }
    for coding in ["br", "identity, br", "BR, identity"] {
      let response = try #require(try refusal("POST", [("Content-Encoding", coding)]))
      #expect(response.status == 415 && response.fields["Accept-Encoding"] == ContentCoding.list)
      #expect(try response.problemKind() == "unsupported-encoding")
    }
    #expect(try refusal("POST", [("Content-Encoding", "Identity")]) == nil)
    #expect(try refusal("PUT", [("Content-Range", "bytes 0-1/2")])?.status == 400)
    #expect(try refusal("POST", [("Content-Range", "bytes 0-1/2")]) == nil)
  }

  @Test("No answer is for caches", arguments: ["/livez", "/readyz", "/metrics", "/", "/nothing"])
  func caches(path: String) async throws {
    let service = try TestService()
    let answer = await service.answer(try Request("GET", path))
    #expect(answer.fields["Cache-Control"] == "no-store")
    let request = try Request("POST", "/classify", body: try goldenImage().encodedImage)
    #expect(await service.answer(request).fields["Cache-Control"] == "no-store")
  }

  @Test("A body that no memory is left for is refused at its head")
  func memory() throws {
    let budget = MemoryBudget(byteCount: 100 << 20)
    let service = try TestService(memory: budget).service
    func status(_ byteCount: Int) throws -> Int? {
      let head = try Request("POST", "/classify", [("Content-Length", "\(byteCount)")]).head
      guard case .answer(let response) = service.receive(head) else { return nil }
      #expect((response.status == 503) == (response.fields["Retry-After"] != nil))
      return response.status
    }
    #expect(try status(30 << 20) == nil)
    let work = try #require(budget.reserve(79 << 20))
    #expect(try status(30 << 20) == 503)
    #expect(try status(1 << 20) == nil)
    let model = try #require(budget.reserve(19 << 20, isLasting: true, use: .models))
    #expect(try status(1 << 20) == 503)
    _ = (work.byteCount, model.byteCount)
  }

  @Test("The limit of a body is told when its head is read")
  func bodyLimit() async throws {
    var limits = ServingLimits()
    limits.bodyByteLimit = 1000
    let service = try TestService(limits: limits).service
    let decision = service.receive(try Request("POST", "/classify").head)
    guard case .accept(bodyByteLimit: 1000, _, _, _) = decision else {
      Issue.record("not the limit")
      return
    }
  }

  @Test("A deadline that has passed is answered with 504")
  func deadline() async throws {
    let service = try TestService()
    let request = try Request(
      "POST", "/classify", [("X-Request-Timeout-Ms", "1")], body: try goldenImage().encodedImage)
    let exchange = Exchange(receivedAt: .now - .seconds(1))
    let response = await withCheckedContinuation { continuation in
      service.service.handle(request, exchange)
      let immediate = exchange.handlerReturned { continuation.resume(returning: $0) }
      if let immediate { continuation.resume(returning: immediate) }
    }
    #expect(response.status == 504)
    #expect(try response.problemKind() == "deadline")
  }

  @Test("A full queue is answered with 429 and a time to come back")
  func overload() async throws {
    var limits = ServingLimits()
    limits.queueByteLimit = 1
    let response = await (try TestService(limits: limits)).answer(
      try Request("POST", "/classify", body: try goldenImage().encodedImage))
    #expect(response.status == 429)
    #expect(try response.problemKind() == "queue-full")
    #expect(Int(response.fields["Retry-After"] ?? "") ?? 0 >= 1)
  }

  @Test("Probes follow the service's life, and requests are served while it drains")
  func life() async throws {
    let log = Log(format: .json, descriptor: -1)
    let service = Service(
      limits: ServingLimits(), metrics: ServingMetrics(), accessLog: AccessLog(log))
    let image = try goldenImage().encodedImage
    func status(_ path: String) async throws -> Int {
      await answerOf(service, to: try Request("GET", path)).status
    }
    func classify() async throws -> Response {
      await answerOf(service, to: try Request("POST", "/classify", body: image))
    }
    service.progress("loading the model")
    #expect(try await status("/livez") == 200)
    for path in ["/readyz", "/startupz", "/healthz"] { #expect(try await status(path) == 503) }
    let refused = try await classify()
    #expect(refused.status == 503 && refused.fields["Retry-After"] != nil)

    let running = try TestService()
    service.becomeReady(running.pool)
    for path in ["/livez", "/readyz", "/startupz", "/healthz", "/"] {
      #expect(try await status(path) == 200)
    }

    service.beginDraining()
    #expect(try await status("/livez") == 200)
    #expect(try await status("/readyz") == 503)
    #expect(try await status("/healthz") == 503)
    #expect(try await status("/startupz") == 200)
    service.becomeReady(running.pool)
    #expect(try await status("/readyz") == 503)
  }

  @Test(
    "The example of a method that is taken has the address that the client knows",
    arguments: [
      ("localhost:19200", "localhost:19200"), ("Example.org", "Example.org"),
      ("[::1]:80", "[::1]:80"), ("a;b", "localhost:8080"), ("", "localhost:8080"),
    ])
  func exampleAddress(host: String, shown: String) async throws {
    let answer = try await TestService().answer(
      try Request("GET", "/classify", [("Host", host)]))
    #expect(
      try answer.json()["detail"] as? String
        == "GET is not allowed at /classify, which takes POST, PUT and OPTIONS; for example curl -T "
        + "cat.jpg http://\(shown)/classify")
  }

  @Test(
    "A method that a path does not take is answered with those that it takes",
    arguments: [
      (
        "GET", "/classify?top_k=3", "POST, PUT, OPTIONS",
        "GET is not allowed at /classify, which takes POST, PUT and OPTIONS; for example curl -T "
          + "cat.jpg http://localhost:8080/classify"
      ),
      (
        "POST", "/healthz", "GET, HEAD, OPTIONS",
        "POST is not allowed at /healthz, which takes GET, HEAD and OPTIONS"
      ),
    ])
  func methods(method: String, target: String, allow: String, detail: String) async throws {
    let response = await (try TestService()).answer(try Request(method, target))
    #expect(response.status == 405 && response.fields["Allow"] == allow)
    #expect(try response.json()["detail"] as? String == detail)
  }

  @Test(
    "What a terminal is shown ends with a newline",
    arguments: [
      "/livez", "/readyz", "/startupz", "/ping", "/model", "/openapi.json", "/v2",
      "/v2/health/live",
      "/v2/health/ready", "/v2/models/x", "/nothing", "/classify",
    ])
  func newline(path: String) async throws {
    let service = try TestService()
    let answer = await service.answer(try Request("GET", path))
    #expect(answer.body.last == UInt8(ascii: "\n"))
    #expect(answer.body.dropLast().last != UInt8(ascii: "\n"))
    let image = try goldenImage().encodedImage
    let classes = await service.answer(try Request("POST", "/classify", body: image))
    #expect(classes.status == 200 && classes.body.last == UInt8(ascii: "\n"))
  }

  @Test("OPTIONS names the methods of a path")
  func options() async throws {
    let service = try TestService()
    for (target, allow) in [
      ("/classify", "POST, PUT, OPTIONS"), ("/livez", "GET, HEAD, OPTIONS"),
      ("/metrics", "GET, HEAD, OPTIONS"),
      ("*", "GET, HEAD, POST, PUT, OPTIONS"),
    ] {
      let response = await service.answer(try Request("OPTIONS", target))
      #expect(response.status == 204)
      #expect(response.fields["Allow"] == allow)
    }
  }
}
