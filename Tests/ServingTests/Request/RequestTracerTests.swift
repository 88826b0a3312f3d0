import Checkpoint
import HTTPCore
import HTTPServer
import Serving
import Telemetry
import Testing

@Suite struct RequestTracerTests {
  private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
  private static let parent = "00f067aa0ba902b7"

  /// Returns the spans of a request that was answered.
  private func spans(
    _ method: String, _ target: String, _ fields: [(String, String)] = [], status: Int = 200,
    forwarded: String? = nil, stages: [TimedStage] = [], sampler: Sampler = .usual
  ) throws -> [TraceSpan] {
    let queue = SpanQueue(SpanMetrics())
    let service = Service(
      limits: ServingLimits(), metrics: ServingMetrics(),
      accessLog: AccessLog(Log(format: .json, descriptor: -1)),
      tracer: RequestTracer(queue, sampler, scheme: "https"))
    var record = ExchangeRecord(
      head: try Request(method, target, fields).head, status: status,
      remoteAddress: "[2001:DB8::1]:4711", duration: .milliseconds(20))
    record.stages = stages
    record.forwardedAddress = forwarded.flatMap { NetworkAddress($0) }
    service.finished(record)
    queue.close()
    return queue.next() ?? []
  }

  private func traceparent(_ flags: String) -> [(String, String)] {
    [("traceparent", "00-\(Self.trace)-\(Self.parent)-\(flags)"), ("tracestate", "a=b")]
  }

  private func value(_ name: String, of span: TraceSpan) -> SpanAttribute.Value? {
    span.attributes.first { $0.name == name }?.value
  }

  @Test("A request is a span of the server, below the client's")
  func server() throws {
    let found = try spans(
      "POST", "/classify?top_k=1", traceparent("01") + [("User-Agent", "curl/8")],
      forwarded: "192.0.2.7")
    let span = try #require(found.first)
    #expect(found.count == 1 && span.kind == .server && span.name == "POST /classify")
    #expect(span.trace.text == Self.trace && span.state == "a=b")
    #expect(span.parent?.id.text == Self.parent && span.parent?.isRemote == true)
    #expect(span.end - span.start == 20_000_000 && !span.isError)
    for (name, text) in [
      ("http.request.method", "POST"), ("http.route", "/classify"), ("url.scheme", "https"),
      ("url.path", "/classify"), ("url.query", "top_k=1"), ("network.protocol.version", "1.1"),
      ("network.peer.address", "2001:db8::1"), ("client.address", "192.0.2.7"),
      ("user_agent.original", "curl/8"),
    ] { #expect(value(name, of: span) == .text(text), "\(name)") }
    #expect(value("http.response.status_code", of: span) == .integer(200))
    #expect(value("error.type", of: span) == nil)
  }

  @Test("Without a well-formed context a trace begins; a malformed one is not joined")
  func root() throws {
    let malformed = [("traceparent", "00-\(Self.trace)-0000000000000000-01")]
    for fields in [[], malformed] {
      let found = try spans("GET", "/model", fields)
      #expect(found.count == 1 && found.first?.parent == nil)
      #expect(found.first?.trace.text != Self.trace)
      #expect(value("client.address", of: try #require(found.first)) == .text("2001:db8::1"))
    }
  }

  @Test("The client's decision holds, unless the sampler says otherwise")
  func sampling() throws {
    #expect(try spans("POST", "/classify", traceparent("00")).isEmpty)
    let always = try #require(Sampler(name: "always_on", ratio: 1))
    #expect(try spans("POST", "/classify", traceparent("00"), sampler: always).count == 1)
    let never = try #require(Sampler(name: "parentbased_always_off", ratio: 1))
    #expect(try spans("POST", "/classify", sampler: never).isEmpty)
    #expect(try spans("POST", "/classify", traceparent("01"), sampler: never).count == 1)
  }

  @Test("Probes are recorded only in a client's trace")
  func probes() throws {
    for path in ["/livez", "/readyz", "/metrics", "/ping"] {
      #expect(try spans("GET", path).isEmpty)
      #expect(try spans("GET", path, traceparent("01")).count == 1)
    }
  }

  @Test("Failures of the server are errors, those of clients are not; names are not invented")
  func failures() throws {
    let failed = try #require(try spans("POST", "/classify", status: 503).first)
    #expect(failed.isError && value("error.type", of: failed) == .text("503"))
    let refused = try #require(try spans("POST", "/classify", status: 415).first)
    #expect(!refused.isError && value("error.type", of: refused) == nil)
    let unknown = try #require(try spans("BREW", "/pot%41", status: 404).first)
    #expect(unknown.name == "HTTP" && value("http.route", of: unknown) == nil)
    #expect(value("http.request.method", of: unknown) == .text("_OTHER"))
    #expect(value("http.request.method_original", of: unknown) == .text("BREW"))
    #expect(value("url.path", of: unknown) == .text("/pot%41"))
  }

  @Test("Stages are spans below the server's, with the time that they were at work")
  func stages() throws {
    let now = ContinuousClock.now
    var decode = TimedStage("decode", from: now - .milliseconds(9), to: now - .milliseconds(8))
    decode.add(from: now - .milliseconds(6), to: now - .milliseconds(5))
    let found = try spans(
      "POST", "/classify", traceparent("01"),
      stages: [TimedStage("queue", from: now - .milliseconds(10), to: now), decode])
    #expect(found.map(\.name) == ["POST /classify", "queue", "decode"])
    #expect(Set(found.map(\.id)).count == 3)
    for stage in found.dropFirst() {
      #expect(stage.kind == .internal && stage.trace.text == Self.trace && stage.state == "a=b")
      #expect(stage.parent == TraceSpan.Parent(found[0].id, isRemote: false))
    }
    #expect(found[2].end - found[2].start == 4_000_000)
    #expect(found[2].start - found[1].start == 1_000_000)
    #expect(value("resnetd.busy_seconds", of: found[2]) == .number(0.002))
  }

  @Test("An answer to a classification knows its stages, in their order")
  func classification() async throws {
    let start = ContinuousClock.now
    let service = try TestService()
    let image = try goldenImage().encodedImage
    let answer = await service.answer(try Request("POST", "/classify", body: image))
    #expect(answer.stages.map(\.name) == ["queue", "decode", "inference"])
    let instants = [start] + answer.stages.map(\.start)
    #expect(zip(instants, instants.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(answer.stages.allSatisfy { $0.end - $0.start == $0.busy })
    let refused = await service.answer(try Request("POST", "/classify", body: [1, 2]))
    #expect(refused.status == 415 && refused.stages.map(\.name) == ["queue", "decode"])
  }
}
