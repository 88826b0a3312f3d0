import Foundation
import Testing

/// A server that follows a model store.
@Suite(.serialized) struct FollowTests {
  private static let embeddedVersion = "8a3ca0d18ee4"
  /// Time limit of a stop, which must not wait until the fetch counts as stalled, after 30 s.
  private static let promptly = Duration.seconds(25)

  private let models: PublishedModels
  private let folder: TemporaryFolder

  init() throws {
    models = try PublishedModels()
    folder = try TemporaryFolder()
  }

  private var state: String { folder.url.appendingPathComponent("state").path }

  private func server(
    _ source: String? = nil, _ options: [String] = [],
    until pattern: Regex<(Substring, Substring)> = /"ready","url":"http:\/\/127\.0\.0\.1:(\d+)"/
  ) async throws -> ServerUnderTest {
    try await ServerUnderTest(
      options: [
        "--state-dir", state, "--model-store", source ?? models.path,
        "--model-store-interval", "100ms", "--access-log", "off",
      ] + options, environment: ["RESNETD_MODEL": ""], until: pattern)
  }

  /// Returns when the condition holds.
  private func eventually(
    _ server: ServerUnderTest, _ what: String, _ condition: () async throws -> Bool
  ) async throws {
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    while try await !condition() {
      guard ContinuousClock.now < deadline else {
        Issue.record("it never came to that: \(what)\n\(server.logged)")
        throw CancellationError()
      }
    }
  }

  private func answers(_ server: ServerUnderTest, _ version: String) async throws -> Bool {
    let answer = try await server.curl(
      "-T", ProgramUnderTest.sampleImage, "\(server.address)/classify")
    #expect(answer.status == 200)
    return answer.body.contains(#""version":"\#(version.prefix(12))""#)
  }

  private func expectVersion(_ server: ServerUnderTest, _ version: String) async throws {
    try await eventually(server, "version \(version)") { try await answers(server, version) }
  }

  private func polls(_ server: ServerUnderTest, _ outcome: String) async throws -> Int {
    try await server.metric(#"resnetd_model_store_polls_total{outcome="\#(outcome)"}"#)
  }

  /// Returns after so many more polls.
  private func wait(_ server: ServerUnderTest, for count: Int, _ outcome: String) async throws {
    let before = try await polls(server, outcome)
    try await eventually(server, "\(count) polls \(outcome)") {
      try await polls(server, outcome) >= before + count
    }
  }

  private func incoming() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: state + "/incoming")
  }

  @Test("It waits for its first model, follows the pointer, and needs no store after a restart")
  func life() async throws {
    var server = try await server(until: /"address":"http:\/\/127\.0\.0\.1:(\d+)"/)
    let probe = try await server.curl("\(server.address)/readyz")
    #expect(probe.status == 503 && probe.body.contains("fetching the model"))
    #expect(try await server.curl("\(server.address)/livez").status == 200)
    let first = try await models.publish("first")
    let admin = try await server.adminAddress
    #expect(try await answers(server, first))
    let second = try await models.publish("second")
    try await expectVersion(server, second)

    let live = try await server.curl("\(admin)/admin/model").body
    #expect(live.contains(#""by":"store from \#(models.path)""#))
    #expect(live.contains(#""previous":"\#(first)""#))
    let configuration = try await server.curl("\(admin)/admin/config").body
    #expect(configuration.contains(#""model-store":"\#(models.path)""#))
    let audit = #""action":"follow","by":"store","remote":"\#(models.path)""#
    try await wait(server, for: 1, "unchanged")
    #expect(try await polls(server, "promoted") == 2)
    let last = "resnetd_model_store_last_success_timestamp_seconds"
    #expect(try await server.metric(last) > 1_600_000_000)
    #expect(await server.stop() == 0)
    #expect(server.logged.contains(audit))

    try models.write("gone")
    server = try await self.server()
    #expect(try await answers(server, second))
    #expect(await server.stop() == 0)
  }

  @Test(
    "A server that waits for its store takes a model from an administrator, and follows from then on"
  )
  func rescue() async throws {
    let server = try await server(until: /"address":"http:\/\/127\.0\.0\.1:(\d+)"/)
    let admin = try await server.earlyAdminAddress
    let nothing = try await server.curl("\(admin)/admin/model")
    #expect(nothing.status == 503 && nothing.body.contains(":no-model"))
    #expect(nothing.body.contains("fetching the model"))
    let upload = try await server.curl("-T", PublishedModels.embedded, "\(admin)/admin/model")
    #expect(upload.status == 200, "\(upload.body)")
    try await expectReady(server)
    #expect(try await answers(server, Self.embeddedVersion))
    try await expectVersion(server, try await models.publish("second"))
    #expect(await server.stop() == 0)
  }

  private func expectReady(_ server: ServerUnderTest) async throws {
    try await eventually(server, "ready") {
      try await server.curl("\(server.address)/readyz").status == 200
    }
  }

  @Test("A model that is refused is tried once, until the pointer names another")
  func refusal() async throws {
    let first = try await models.publish("first")
    let server = try await server()
    try await models.publish(ProgramUnderTest.sampleImage, as: "image.safetensors")
    try await wait(server, for: 3, "refused")
    #expect(try await answers(server, first))
    #expect(
      try await server.metric(#"resnetd_swap_total{outcome="refused",step="validate"}"#) == 1)
    #expect(try incoming().isEmpty)
    try await expectVersion(server, try await models.publish("second"))
    #expect(await server.stop() == 0)
    #expect(server.logged.matches(of: /"action":"follow".*"outcome":"model-refused/).count == 1)
  }

  @Test("A first model that is refused is not served, and the next one is")
  func refusedFirst() async throws {
    try await models.publish(ProgramUnderTest.sampleImage, as: "image.safetensors")
    let server = try await server(until: /"address":"http:\/\/127\.0\.0\.1:(\d+)"/)
    try await wait(server, for: 2, "refused")
    let probe = try await server.curl("\(server.address)/readyz")
    #expect(probe.status == 503 && probe.body.contains("was refused"))
    #expect(try incoming().isEmpty)
    let good = try await models.publish("good")
    _ = try await server.adminAddress
    #expect(try await answers(server, good))
    #expect(await server.stop() == 0)
    #expect(
      server.logged.matches(of: /"action":"follow".*"outcome":"model-refused: validate/).count == 1)
  }

  @Test("A pointer that is none and bytes that are not its own change nothing")
  func garbage() async throws {
    let first = try await models.publish("first")
    let server = try await server()
    for text in [
      "", "{}", #"{"version": "x", "file": "a"}"#, String(repeating: " ", count: 1 << 20),
      #"{"version": "\#(first)", "file": "first.safetensors", "file": "second.safetensors"}"#,
    ] {
      try models.write(text)
      try await wait(server, for: 1, "invalid")
      // After one success, the wait for the next failure is not as long as for a second one.
      try await models.publish("first")
      try await wait(server, for: 1, "unchanged")
    }
    try models.point(to: String(repeating: "a", count: 64), "first.safetensors")
    try await wait(server, for: 1, "invalid")
    #expect(try await answers(server, first))
    try await expectVersion(server, try await models.publish("second"))
    #expect(await server.stop() == 0)
    #expect(server.logged.contains("model store answers again"))
    #expect(try incoming().isEmpty)
  }

  @Test(
    "With a model of its own a server begins while the store is down, and follows when it is up")
  func outage() async throws {
    let first = try await models.publish("first")
    let host = ModelHost(models)
    let port = try host.start()
    host.stop()
    let server = try await server(
      "http://127.0.0.1:\(port)/", ["--model", PublishedModels.embedded])
    #expect(try await answers(server, Self.embeddedVersion))
    try await wait(server, for: 2, "unreachable")
    #expect(server.logged.matches(of: /"message":"cannot follow"/).count == 1)
    try host.start(port: port)
    defer { host.stop() }
    try await expectVersion(server, first)
    let admin = try await server.adminAddress
    let rollback = try await server.curl("-X", "POST", "\(admin)/admin/rollback")
    #expect(rollback.status == 200, "\(rollback.body)")
    #expect(try await answers(server, Self.embeddedVersion))
    #expect(await server.stop() == 0)
  }

  @Test("What an administrator chooses holds until the pointer moves, over a restart too")
  func rollback() async throws {
    let first = try await models.publish("first")
    var server = try await server()
    let second = try await models.publish("second")
    try await expectVersion(server, second)
    let admin = try await server.adminAddress
    #expect(try await server.curl("-X", "POST", "\(admin)/admin/rollback").status == 200)
    try await wait(server, for: 3, "unchanged")
    #expect(try await answers(server, first))
    #expect(await server.stop() == 0)

    server = try await self.server()
    try await wait(server, for: 3, "unchanged")
    #expect(try await answers(server, first))
    try await models.publish("third")
    try await wait(server, for: 1, "promoted")
    try await models.publish("second")
    try await expectVersion(server, second)
    #expect(await server.stop() == 0)
  }

  @Test("A kept model that has suffered on the disk is fetched again")
  func damage() async throws {
    let first = try await models.publish("first")
    var server = try await server()
    try await expectVersion(server, try await models.publish("second"))
    let kept = URL(fileURLWithPath: "\(state)/versions/\(first)")
    try Data("damaged".utf8).write(to: kept)
    try await models.publish("first")
    try await expectVersion(server, first)
    #expect(try await PublishedModels.digest(kept.path) == first)
    #expect(await server.stop() == 0)

    // Without a record of the live model, the pointer is followed again, though it has not moved.
    for name in ["live.json", "live.before.json"] {
      try FileManager.default.removeItem(atPath: "\(state)/\(name)")
    }
    server = try await self.server()
    #expect(try await answers(server, first))
    #expect(await server.stop() == 0)
  }

  @Test("A fetch in progress delays no stop and leaves nothing behind", arguments: [true, false])
  func stop(isFirst: Bool) async throws {
    if !isFirst { try await models.publish("first") }
    let host = ModelHost(models, holding: "held.safetensors")
    let port = try host.start()
    defer { host.stop() }
    let server = try await server(
      "http://127.0.0.1:\(port)", isFirst ? [] : ["--model", PublishedModels.embedded],
      until: /"(?:address|url)":"http:\/\/127\.0\.0\.1:(\d+)"/)
    try models.point(to: String(repeating: "a", count: 64), "held.safetensors")
    try await eventually(server, "a fetch") { host.isHolding }
    let start = ContinuousClock.now
    #expect(await server.stop() == 0)
    #expect(.now - start < Self.promptly)
    #expect(try incoming().isEmpty)
  }

  @Test("A folder that is named from the current one is logged and recorded from the root")
  func relative() async throws {
    let first = try await models.publish("first")
    let relative = String(repeating: "../", count: 20) + models.path.dropFirst()
    let server = try await server("./" + relative)
    let full = FileManager.default.currentDirectoryPath + "/" + relative
    try await expectVersion(server, first)
    #expect(await server.stop() == 0)
    #expect(server.logged.contains(#""source":"\#(full)""#), "\(server.logged)")
    let record = try String(contentsOfFile: state + "/followed.json", encoding: .utf8)
    #expect(record.contains(#""source":"\#(full)""#), "\(record)")
    let missing = try await ProgramUnderTest.run(
      "serve", "--port", "0", "--state-dir", "none/state")
    let shown = FileManager.default.currentDirectoryPath + "/none/state"
    #expect(missing.exitCode == 1 && missing.errors.contains(shown), "\(missing.errors)")
  }

  @Test("It needs a folder to keep models in, and a source that is one")
  func settings() async throws {
    for (options, message) in [
      (["--model-store", models.path], "--state-dir"),
      (["--state-dir", state, "--model-store", "ftp://host/"], "neither http://"),
      (["--state-dir", state, "--model-store", "s3:/bucket"], "s3://bucket/prefix"),
      (["--state-dir", state, "--model-store", "http://u:secret@host/"], "credentials"),
    ] {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url, ["serve", "--port", "0"] + options)
      #expect(outcome.exitCode == 2)
      #expect(outcome.errors.contains(message) && !outcome.errors.contains("secret"))
    }
  }
}
