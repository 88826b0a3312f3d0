import Checkpoint
import Foundation
import HTTPCore
import HTTPServer
import Inference
import Machine
import Serving
import Telemetry
import Testing

/// Lines of the access log.
@Suite struct AccessLogTests {
  private let pipe = Pipe()
  private let log: Log

  init() { log = Log(format: .json, descriptor: pipe.fileHandleForWriting.fileDescriptor) }

  /// Returns the log's lines so far.
  private func lines() throws -> [[String: Any]] {
    #expect(log.flush(within: .seconds(60)))
    try pipe.fileHandleForWriting.close()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    return try data.split(separator: UInt8(ascii: "\n")).map {
      try #require(try JSONSerialization.jsonObject(with: $0) as? [String: Any])
    }
  }

  /// Asks, and reports the answer as a connection does.
  private func ask(
    _ handler: some RequestHandler, _ method: String, _ target: String,
    _ fields: [(String, String)] = [], body: [UInt8] = []
  ) async throws {
    let request = try Request(method, target, fields, body: body)
    report(request.head, await answerOf(handler, to: request), to: handler)
  }

  private func report(
    _ head: RequestHead?, _ response: Response, to handler: some RequestHandler
  ) {
    var record = ExchangeRecord(
      head: head, status: response.status, remoteAddress: "192.0.2.1:1", duration: .zero)
    record.requestID = response.fields["X-Request-Id"]
    record.notes = response.notes
    handler.finished(record)
  }

  @Test("A line names the listener")
  func listeners() async throws {
    let accessLog = AccessLog(log)
    let service = Service(
      limits: ServingLimits(), metrics: ServingMetrics(), accessLog: accessLog)
    try await ask(service, "GET", "/livez")
    try await ask(
      AdminService(token: nil, options: [], accessLog: accessLog, log: log), "GET",
      "/admin/status", [("Host", "localhost")])
    try await ask(MetricsService(ServingMetrics(), accessLog: accessLog), "GET", "/metrics")
    let lines = try lines().filter { $0["message"] as? String == "request" }
    #expect(lines.map { $0["listener"] as? String } == ["public", "admin", "metrics"])
    for line in lines {
      #expect(line["level"] as? String == "info")
      #expect(line["problem"] as? String == "-" && line["model"] as? String == "-")
      #expect(line["version"] as? String == "-")
    }
  }

  @Test("A problem is named by its kind, also where the client's protocol has none")
  func problems() async throws {
    let service = Service(
      limits: ServingLimits(), metrics: ServingMetrics(), accessLog: AccessLog(log))
    try await ask(service, "GET", "/nowhere")
    try await ask(service, "POST", "/classify", body: [1])
    try await ask(service, "GET", "/v2/models/none")
    try await ask(service, "GET", "/v2/health/ready")
    let failure = ParseFailure(status: 431, kind: .headerTooLarge, detail: "too large")
    report(nil, service.answer(failure, fields: nil), to: service)
    report(nil, failure.response, to: service)
    #expect(
      try lines().map { $0["problem"] as? String } == [
        "not-found", "starting", "starting", "starting", "header-too-large", "header-too-large",
      ])
  }

  @Test("A line names the model that answered or refused an image, and none that had no part")
  func models() async throws {
    let plan = CPUPlan(workers: 1, threads: 1, maxBatch: 2)
    let model = try CompiledModel(SmallModels.model("small"), plan: plan)
    let served = try TestService(first: model, log: log)
    let image = try goldenImage().encodedImage
    try await ask(served.service, "POST", "/classify", body: image)
    try await ask(served.service, "POST", "/classify", body: [1, 2, 3])
    try await ask(served.service, "POST", "/classify?top_k=x", body: image)
    try await ask(served.service, "GET", "/readyz")
    let lines = try lines().filter { $0["message"] as? String == "request" }
    let version = model.version.short
    #expect(lines.map { $0["model"] as? String } == [model.name, model.name, "-", "-"])
    #expect(lines.map { $0["version"] as? String } == [version, version, "-", "-"])
    #expect(
      lines.map { $0["problem"] as? String } == [
        "-", "unsupported-image", "invalid-parameter", "-",
      ]
    )
  }
}
