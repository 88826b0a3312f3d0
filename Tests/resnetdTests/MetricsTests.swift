import Foundation
import Testing

@Suite(.serialized) struct MetricsTests {
  private let image = ProgramUnderTest.sampleImage

  @Test("What a server has answered stands in /metrics, exactly")
  func counts() async throws {
    let size = try Data(contentsOf: URL(fileURLWithPath: image)).count
    let server = try await ServerUnderTest("--queue-bytes", String(size), "--workers", "1")
    let target = "\(server.address)/classify"
    let folder = try TemporaryFolder()
    let text = try folder.file("text", "no image").path
    for (status, arguments) in [
      (200, ["-T", image, target]), (200, ["-T", image, target]),
      (400, ["-X", "POST", target]), (404, ["\(server.address)/nothing"]),
      (404, ["\(server.address)/else"]), (405, [target]), (415, ["-T", text, target]),
      (429, ["-F", "image=@\(image)", "-F", "image=@\(image)", target]),
    ] {
      #expect(try await server.curl(arguments).status == status)
    }
    let answer = try await server.curl("\(server.address)/metrics")
    #expect(answer.status == 200)
    let lines = answer.body.split(separator: "\n")
    #expect(
      Set(lines.filter { $0.hasPrefix("resnetd_requests_total") }) == [
        #"resnetd_requests_total{route="/classify",code="200"} 2"#,
        #"resnetd_requests_total{route="/classify",code="400"} 1"#,
        #"resnetd_requests_total{route="/classify",code="405"} 1"#,
        #"resnetd_requests_total{route="/classify",code="415"} 1"#,
        #"resnetd_requests_total{route="/classify",code="429"} 1"#,
        #"resnetd_requests_total{route="other",code="404"} 2"#,
      ])
    for line in [
      #"resnetd_rejected_total{reason="queue_full"} 1"#, "resnetd_in_flight 0",
      "resnetd_queue_depth 0", "resnetd_connections_limit 10000",
      #"resnetd_stage_duration_seconds_count{version="8a3ca0d18ee4",stage="decode"} 3"#,
      #"resnetd_stage_duration_seconds_count{version="8a3ca0d18ee4",stage="inference"} 2"#,
      #"resnetd_stage_duration_seconds_count{version="8a3ca0d18ee4",stage="queue"} 4"#,
      #"resnetd_stage_duration_seconds_count{version="8a3ca0d18ee4",stage="read"} 3"#,
      #"resnetd_batch_size_bucket{version="8a3ca0d18ee4",le="1"} 2"#,
    ] { #expect(lines.contains { $0 == line }, "\(line)") }
    let head = try await server.curl("--head", "\(server.address)/metrics")
    #expect(head.status == 200)
    #expect(head.body.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"))
    let refused = try await server.curl("-X", "POST", "-i", "\(server.address)/metrics")
    #expect(refused.status == 405 && refused.body.contains("Allow: GET, HEAD, OPTIONS"))
    #expect(await server.stop() == 0)
  }

  @Test("A port of their own has the metrics and nothing else, until the end")
  func ownPort() async throws {
    let server = try await ServerUnderTest("--metrics-port", "0", "--drain-delay", "1m")
    let metrics = try await server.logged(
      /"message":"metrics","url":"(http:\/\/127\.0\.0\.1:\d+)"/)
    #expect(metrics != server.address)
    #expect(try await server.curl("\(server.address)/metrics").status == 404)
    #expect(try await server.curl("\(metrics)/livez").status == 404)
    #expect(try await server.curl("-T", image, "\(metrics)/classify").status == 404)
    #expect(try await server.curl("-T", image, "\(server.address)/classify").status == 200)
    kill(server.process.processIdentifier, SIGTERM)
    _ = try await server.logged(/"message":"(draining)"/)
    let answer = try await server.curl("\(metrics)/metrics")
    #expect(answer.status == 200)
    #expect(answer.body.contains(#"resnetd_requests_total{route="/classify",code="200"} 1"#))
    #expect(await server.stop(SIGINT) == 128 + SIGINT)
  }

  @Test("A metrics port in use names its option")
  func portInUse() async throws {
    let server = try await ServerUnderTest()
    let outcome = try await ProgramUnderTest.run(
      "serve", "--port", "0", "--metrics-port", String(server.port))
    #expect(outcome.exitCode == 1)
    #expect(outcome.errors.contains("choose another with --metrics-port"))
  }

  @Test("A request's line in the log names its trace")
  func trace() async throws {
    let server = try await ServerUnderTest()
    let parent = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    let answer = try await server.curl("-i", "-H", parent, "\(server.address)/livez")
    #expect(answer.status == 200 && answer.body.contains(parent))
    let broken = try await server.curl("-i", "-H", parent + "x", "\(server.address)/livez")
    #expect(broken.status == 200 && !broken.body.contains("traceparent"))
    #expect(await server.stop() == 0)
    #expect(server.logged.contains(#""trace_id":"4bf92f3577b34da6a3ce929d0e0e4736""#))
    #expect(server.logged.contains(#""trace_id":"-""#))
  }

  @Test("A measured plan that cannot be written is counted and told, and the server serves")
  func plans() async throws {
    let folder = try TemporaryFolder()
    // A folder cannot be made below a file, by nobody.
    let place = try folder.file("file", "").path + "/plans"
    let server = try await ServerUnderTest("--tune", "always", "--plan-cache", place)
    // A machine that is too busy measures nothing.
    let isMeasured = server.logged.contains("(measured in ")
    let failures = "resnetd_plan_cache_failures_total"
    #expect(
      try await server.metric(failures + #"{reason="refused"}"#) == (isMeasured ? 1 : 0))
    #expect(
      try await server.curl("\(server.address)/metrics").body.contains(
        failures + #"{reason="full"} 0"#))
    #expect(
      server.logged.contains("the measured plan was not kept") == isMeasured
        && server.logged.contains("cannot make \(place): Not a directory") == isMeasured,
      "\(server.logged)")
    #expect(await server.stop() == 0)
  }
}
