import Checkpoint
import Files
import Glibc
import HTTPCore
import HTTPServer
import Serving
import Telemetry
import Testing

@Suite struct MetricsTests {
  /// Returns the samples of an exposition by the names and labels before their values.
  private func samples(_ service: Service) async throws -> [String: String] {
    let response = await answerOf(service, to: try Request("GET", "/metrics"))
    #expect(response.status == 200)
    #expect(response.fields["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
    let lines = String(decoding: response.body, as: UTF8.self).split(separator: "\n")
    return Dictionary(
      uniqueKeysWithValues: lines.filter { !$0.hasPrefix("#") }.map { line in
        let end = line.lastIndex(of: " ") ?? line.startIndex
        return (String(line[..<end]), String(line[end...].dropFirst()))
      })
  }

  private func record(_ method: String, _ target: String, _ status: Int) throws -> ExchangeRecord {
    var record = ExchangeRecord(
      head: try Request(method, target).head, status: status, remoteAddress: "127.0.0.1:1",
      duration: .milliseconds(5))
    record.readDuration = .microseconds(100)
    return record
  }

  @Test("Answers are counted by route and status; what clients invent is all one route")
  func requests() async throws {
    let service = try TestService().service
    for (method, target, status) in [
      ("POST", "/classify?top_k=1", 200), ("BREW", "/classify", 405), ("POST", "/classify", 200),
      ("GET", "/healthz", 200), ("GET", "/readyz", 200), ("GET", "/x", 404), ("GET", "/y", 404),
    ] { service.finished(try record(method, target, status)) }
    service.finished(
      ExchangeRecord(head: nil, status: 400, remoteAddress: "127.0.0.1:1", duration: .zero))
    let samples = try await samples(service)
    let counts = samples.filter { $0.key.hasPrefix("resnetd_requests_total") }
    #expect(
      counts == [
        #"resnetd_requests_total{route="/classify",code="200"}"#: "2",
        #"resnetd_requests_total{route="/classify",code="405"}"#: "1",
        #"resnetd_requests_total{route="/readyz",code="200"}"#: "2",
        #"resnetd_requests_total{route="other",code="404"}"#: "2",
        #"resnetd_requests_total{route="other",code="400"}"#: "1",
      ])
    let series = #"{version="8a3ca0d18ee4",route="/classify""#
    #expect(samples["resnetd_request_duration_seconds_sum\(series)}"] == "0.015")
    #expect(samples["resnetd_request_duration_seconds_bucket\(series),le=\"0.0025\"}"] == "0")
    #expect(samples["resnetd_request_duration_seconds_bucket\(series),le=\"0.005\"}"] == "3")
  }

  @Test("Each stage of a classification is measured, a batch by its images, by version")
  func stages() async throws {
    let service = try TestService()
    let image = try goldenImage().encodedImage
    let request = try Request("POST", "/classify", body: image)
    #expect(await service.answer(request).status == 200)
    #expect(await service.answer(try Request("POST", "/classify", body: [1, 2])).status == 415)
    service.service.finished(try record("POST", "/classify", 200))
    service.service.finished(try record("GET", "/livez", 200))
    service.service.written(request.head, after: .milliseconds(1))
    service.service.written(try Request("GET", "/livez").head, after: .milliseconds(1))
    service.service.written(nil, after: .milliseconds(1))
    let samples = try await samples(service.service)
    let version = #"version="8a3ca0d18ee4""#
    for (stage, count) in [
      ("read", "1"), ("decode", "2"), ("queue", "2"), ("inference", "1"), ("write", "1"),
    ] {
      let labels = #"{\#(version),stage="\#(stage)"}"#
      #expect(samples["resnetd_stage_duration_seconds_count\(labels)"] == count)
    }
    #expect(
      samples[#"resnetd_stage_duration_seconds_sum{\#(version),stage="read"}"#] == "0.0001")
    #expect(samples["resnetd_batch_size_sum{\(version)}"] == "1")
    #expect(samples["resnetd_batch_size_count{\(version)}"] == "1")
    #expect(
      samples[
        #"resnetd_model_info{\#(version),name="resnet20-cifar10",classes="10",precision="fp32"}"#]
        == "1")
    #expect(samples["resnetd_model_reference_steps"] == "0")
  }

  @Test("What is refused is counted with its reason, and before a model no version is made up")
  func rejections() async throws {
    let metrics = ServingMetrics()
    let log = AccessLog(Log(format: .json, descriptor: -1))
    let service = Service(limits: ServingLimits(), metrics: metrics, accessLog: log)
    let request = try Request("POST", "/classify", body: try goldenImage().encodedImage)
    #expect(await answerOf(service, to: request).status == 503)
    service.finished(try record("POST", "/classify", 503))
    service.beginDraining()
    #expect(await answerOf(service, to: request).status == 503)
    let samples = try await samples(service)
    #expect(samples[#"resnetd_rejected_total{reason="starting"}"#] == "1")
    #expect(samples[#"resnetd_rejected_total{reason="draining"}"#] == "1")
    #expect(samples[#"resnetd_rejected_total{reason="queue_full"}"#] == "0")
    #expect(
      samples[#"resnetd_request_duration_seconds_count{version="none",route="/classify"}"#] == "1")
    #expect(!samples.keys.contains { $0.hasPrefix("resnetd_model_info") })
  }

  @Test("A full queue and a passed deadline are counted as rejections")
  func overload() async throws {
    var limits = ServingLimits()
    limits.queueByteLimit = 1
    let image = try goldenImage().encodedImage
    let full = try TestService(limits: limits)
    let request = try Request("POST", "/classify", body: image)
    #expect(await full.answer(request).status == 429)
    #expect(
      try await samples(full.service)[#"resnetd_rejected_total{reason="queue_full"}"#] == "1")
    limits = ServingLimits()
    limits.requestTimeout = .zero
    let late = try TestService(limits: limits)
    #expect(await late.answer(request).status == 504)
    #expect(try await samples(late.service)[#"resnetd_rejected_total{reason="deadline"}"#] == "1")
  }

  @Test("Plans that are not written are counted by cause, from 0 on")
  func plans() async throws {
    let service = try TestService()
    let name = "resnetd_plan_cache_failures_total"
    #expect(try await samples(service.service)[name + #"{reason="full"}"#] == "0")
    for number in [ENOSPC, EDQUOT, EROFS, ENOTDIR] {
      service.metrics.planNotKept(
        PlanCacheFailure(FileError("write", "/plans", number: number)))
    }
    let samples = try await samples(service.service)
    #expect(samples[name + #"{reason="full"}"#] == "2")
    #expect(samples[name + #"{reason="refused"}"#] == "2")
  }

  @Test("Gauges are read when metrics are asked for")
  func gauges() async throws {
    let service = try TestService()
    service.metrics.watch(inFlight: { 7 })
    service.metrics.watch(queueDepth: { 3 })
    service.metrics.watch(connections: { 5 }, limit: 8)
    let samples = try await samples(service.service)
    #expect(samples["resnetd_in_flight"] == "7")
    #expect(samples["resnetd_queue_depth"] == "3")
    #expect(samples["resnetd_connections"] == "5")
    #expect(samples["resnetd_connections_limit"] == "8")
  }

  @Test("With a port of their own metrics are there and nowhere else")
  func ownPort() async throws {
    let metrics = ServingMetrics()
    let log = AccessLog(Log(format: .json, descriptor: -1))
    let service = Service(
      limits: ServingLimits(), metrics: metrics, servesMetrics: false, accessLog: log)
    #expect(await answerOf(service, to: try Request("GET", "/metrics")).status == 404)
    #expect(await answerOf(service, to: try Request("OPTIONS", "/metrics")).status == 404)
    let own = MetricsService(metrics, accessLog: log)
    for (method, target, status) in [
      ("GET", "/metrics", 200), ("HEAD", "/metrics", 200), ("OPTIONS", "/metrics", 204),
      ("POST", "/metrics", 405), ("GET", "/", 404), ("GET", "/classify", 404),
    ] {
      guard case .answer(let response) = own.receive(try Request(method, target).head) else {
        Issue.record("a body was wanted")
        continue
      }
      #expect(response.status == status)
      if status == 405 { #expect(response.fields["Allow"] == "GET, HEAD, OPTIONS") }
    }
  }
}
