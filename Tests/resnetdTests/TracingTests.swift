import Foundation
import HTTPCore
import HTTPServer
import Synchronization
import Testing

/// A collector on the loopback that remembers what it is sent, and refuses the first requests as it
/// is told.
private final class Collector: RequestHandler {
  private struct State {
    var statuses: [Int]
    var requests: [Request] = []
  }

  private let state: Mutex<State>
  private let server = Mutex<HTTPServer?>(nil)

  init(refusingWith statuses: Int...) { state = Mutex(State(statuses: statuses)) }

  /// Returns the address, for `--otlp-endpoint`.
  func start() throws -> String {
    var configuration = ServerConfiguration()
    configuration.port = 0
    let started = try HTTPServer(configuration: configuration, handler: self)
    started.start()
    server.withLock { $0 = started }
    return "http://127.0.0.1:\(started.port)"
  }

  func stop() { _ = server.withLock { $0.take() }?.drain(within: .zero) }

  var requests: [Request] { state.withLock(\.requests) }

  func receive(_ head: RequestHead, from address: String) -> Reception {
    .accept(bodyByteLimit: 1 << 20, then: Handling(handle))
  }

  private func handle(_ request: Request, _ exchange: Exchange) {
    let status = state.withLock { state in
      let status = state.statuses.isEmpty ? 200 : state.statuses.removeFirst()
      if status == 200 { state.requests.append(request) }
      return status
    }
    exchange.respond(Response(status: status, contentType: "application/json", text: "{}"))
  }

  func answer(_ failure: ParseFailure, fields: HeaderFields?) -> Response { failure.response }
  func finished(_ record: ExchangeRecord) {}
  func written(_ head: RequestHead?, after duration: Duration) {}

  /// Waits for a number of spans; returns all that have come.
  func spans(_ count: Int) async throws -> [[String: Any]] {
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    while ContinuousClock.now < deadline {
      let spans = try requests.flatMap { try Self.spans(in: $0.body) }
      if spans.count >= count { return spans }
      try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("the collector did not get \(count) spans")
    throw CancellationError()
  }

  /// Returns the attributes of the process in the first request.
  func resource() throws -> [String: String] {
    let body = try #require(requests.first).body
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(body)) as? [String: [[String: Any]]])
    let resource = document["resourceSpans"]?.first?["resource"] as? [String: Any]
    return attributes(of: try #require(resource))
  }

  private static func spans(in body: [UInt8]) throws -> [[String: Any]] {
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(body)) as? [String: [[String: Any]]])
    let resources = try #require(document["resourceSpans"])
    return resources.flatMap { ($0["scopeSpans"] as? [[String: Any]]) ?? [] }
      .flatMap { ($0["spans"] as? [[String: Any]]) ?? [] }
  }
}

/// Returns the attributes that are strings or integers, by name.
private func attributes(of object: [String: Any]) -> [String: String] {
  var values: [String: String] = [:]
  for attribute in (object["attributes"] as? [[String: Any]]) ?? [] {
    let value = attribute["value"] as? [String: Any]
    guard let name = attribute["key"] as? String,
      let text = (value?["stringValue"] ?? value?["intValue"]) as? String
    else { continue }
    values[name] = text
  }
  return values
}

/// Spans of requests, `--otlp-endpoint`.
@Suite struct TracingTests {
  private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
  private static let parent = "00f067aa0ba902b7"
  private static let soon = ["OTEL_BSP_SCHEDULE_DELAY": "20"]

  private static func classify(
    _ server: ServerUnderTest, _ flags: String
  ) async throws -> (status: Int, body: String) {
    try await server.curl(
      "-H", "traceparent: 00-\(trace)-\(parent)-\(flags)", "-H", "tracestate: a=b",
      "-H", "X-Forwarded-For: 192.0.2.7", "-T", ProgramUnderTest.sampleImage,
      "\(server.address)/classify?top_k=1")
  }

  private static func time(_ name: String, of span: [String: Any]) throws -> Int {
    try #require((span[name] as? String).flatMap { Int($0) })
  }

  @Test("A classification in a client's trace is a span of the server with its stages below")
  func spans() async throws {
    let collector = Collector()
    defer { collector.stop() }
    let server = try await ServerUnderTest(
      options: [
        "--tune", "off", "--trusted-proxies", "127.0.0.1", "--otlp-endpoint",
        try collector.start(),
      ],
      environment: Self.soon.merging([
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=a%20b", "OTEL_SERVICE_NAME": "ships",
      ]) { $1 })
    // Not recorded: the client does not record it.
    #expect(try await Self.classify(server, "00").status == 200)
    let before = Int(Date().timeIntervalSince1970 * 1e9) - 1_000_000
    #expect(try await Self.classify(server, "01").status == 200)
    let found = try await collector.spans(5)
    let after = Int(Date().timeIntervalSince1970 * 1e9) + 1_000_000
    #expect(found.count == 5)
    let root = try #require(found.first { $0["kind"] as? Int == 2 })
    #expect(root["name"] as? String == "PUT /classify")
    #expect(root["parentSpanId"] as? String == Self.parent)
    let facts = attributes(of: root)
    #expect(facts["http.route"] == "/classify" && facts["http.response.status_code"] == "200")
    #expect(facts["url.query"] == "top_k=1" && facts["network.peer.address"] == "127.0.0.1")
    #expect(facts["client.address"] == "192.0.2.7")
    let start = try Self.time("startTimeUnixNano", of: root)
    let end = try Self.time("endTimeUnixNano", of: root)
    #expect(before <= start && start < end && end <= after)
    var last = (start: start, end: start)
    for name in ["read", "queue", "decode", "inference"] {
      let stage = try #require(found.first { $0["name"] as? String == name })
      #expect(stage["parentSpanId"] as? String == root["spanId"] as? String)
      #expect(stage["kind"] as? Int == 1)
      let times = (
        start: try Self.time("startTimeUnixNano", of: stage),
        end: try Self.time("endTimeUnixNano", of: stage)
      )
      #expect(last.start <= times.start && times.start <= times.end, "\(name)")
      #expect(last.end <= times.end && times.end <= end, "\(name)")
      last = times
    }
    for span in found {
      #expect(span["traceId"] as? String == Self.trace && span["traceState"] as? String == "a=b")
    }
    let request = try #require(collector.requests.first)
    #expect(request.head.method == "POST" && request.head.target.path == "/v1/traces")
    #expect(request.head.fields["Content-Type"] == "application/json")
    #expect(request.head.fields["x-tenant"] == "a b")
    let resource = try collector.resource()
    #expect(resource["service.name"] == "ships" && resource["service.version"] != nil)
    // They are counted when the answer is there.
    while try await server.metric("resnetd_trace_spans_exported_total") < 5 {
      try #require(server.process.isRunning)
    }
    #expect(try await server.metric("resnetd_trace_spans_exported_total") == 5)
    #expect(
      try await server.metric(#"resnetd_trace_spans_dropped_total{reason="queue_full"}"#) == 0)
    #expect(await server.stop() == 0)
  }

  @Test("A trace that begins here is in the log, and what is left goes out at the end")
  func root() async throws {
    let collector = Collector()
    defer { collector.stop() }
    let server = try await ServerUnderTest(
      options: ["--tune", "off"],
      environment: ["OTEL_EXPORTER_OTLP_ENDPOINT": try collector.start()])
    #expect(try await server.curl("\(server.address)/model").status == 200)
    #expect(try await server.curl("\(server.address)/livez").status == 200)
    #expect(await server.stop() == 0)
    let found = try await collector.spans(1)
    #expect(found.count == 1 && found.first?["name"] as? String == "GET /model")
    #expect(found.first?["parentSpanId"] == nil)
    let trace = try #require(found.first?["traceId"] as? String)
    #expect(server.logged.contains(#""trace_id":"\#(trace)""#))
    #expect(server.logged.contains(#""trace_id":"-""#))
  }

  @Test("A collector that is busy gets the spans later, and the log has a line for each change")
  func busy() async throws {
    let collector = Collector(refusingWith: 503, 429)
    defer { collector.stop() }
    let server = try await ServerUnderTest(
      options: ["--tune", "off", "--otlp-endpoint", try collector.start()],
      environment: Self.soon)
    #expect(try await server.curl("\(server.address)/model").status == 200)
    #expect(try await collector.spans(1).count == 1)
    _ = try await server.logged(/"message":"(the collector takes spans again)"/)
    #expect(server.logged.matches(of: /the collector does not take spans/).count == 1)
    #expect(server.logged.contains("it answered 503"))
    #expect(await server.stop() == 0)
  }

  @Test("A collector that is gone holds nothing up, neither requests nor the end")
  func gone() async throws {
    let collector = Collector()
    let address = try collector.start()
    collector.stop()
    let server = try await ServerUnderTest(
      options: ["--tune", "off", "--otlp-endpoint", address], environment: Self.soon)
    for _ in 0..<3 { #expect(try await Self.classify(server, "01").status == 200) }
    _ = try await server.logged(/"message":"(the collector does not take spans)"/)
    #expect(await server.stop() == 0)
    #expect(server.logged.matches(of: /the collector does not take spans/).count == 1)
  }

  @Test("An address that is none is refused, and OpenTelemetry can be switched off")
  func settings() async throws {
    for address in [
      "localhost:4318", "ftp://c", "http://c?x=y", "http://user:hunter2@c", "http://", "https:///",
      "http:///c",
    ] {
      let outcome = try await ProgramUnderTest.run("serve", "--otlp-endpoint", address)
      #expect(outcome.exitCode == 2 && outcome.errors.contains("--otlp-endpoint is an address"))
      #expect(!outcome.errors.contains("hunter2"))
    }
    let check = try await ProgramUnderTest.run(
      "serve", "--check", "--port", "0", "--otlp-endpoint", "http://c:4318")
    #expect(check.output.contains("spans: sent to http://c:4318/v1/traces"))
    let off = try await ProgramUnderTest.run(
      "serve", "--check", "--port", "0", "--otlp-endpoint", "http://c:4318",
      environment: ["OTEL_SDK_DISABLED": "true"])
    #expect(!off.output.contains("spans: ") && off.errors.contains("OTEL_SDK_DISABLED is true"))
  }
}
