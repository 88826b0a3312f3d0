import Foundation
import Testing

/// The canary of the built program, as curl drives it.
@Suite(.serialized) struct CanaryTests {
  private static let embedded =
    ProgramUnderTest.repository + "/Sources/CEmbeddedModels/resnet20-cifar10.safetensors"

  /// Time for comparisons, which leave long pauses; minutes on a slow machine.
  private static let returnTimeLimit = Duration.seconds(300)

  /// Returns the name of the model that answers the sample image.
  private func name(_ server: ServerUnderTest, _ arguments: String...) async throws -> String {
    let answer = try await server.curl(
      arguments + ["-T", ProgramUnderTest.sampleImage, "\(server.address)/classify"])
    #expect(answer.status == 200, "\(answer.body)")
    return try #require(answer.body.firstMatch(of: /"name":"([^"]*)"/)).output.1.description
  }

  private func version(_ body: String) throws -> String {
    try #require(body.firstMatch(of: /"version":"([0-9a-f]{12})"/)).output.1.description
  }

  private func convert(_ arguments: String...) async throws {
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["convert"] + arguments)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
  }

  /// Uploads a model, which is live afterwards, and returns its version.
  private func upload(_ server: ServerUnderTest, _ path: String) async throws -> String {
    let answer = try await server.curl("-T", path, "\(try await server.adminAddress)/admin/model")
    #expect(answer.status == 200, "\(answer.body)")
    return try version(answer.body)
  }

  private func begin(
    _ server: ServerUnderTest, _ version: String, _ members: String
  ) async throws -> (status: Int, body: String) {
    try await server.curl(
      "-X", "PUT", "-d", #"{"version":"\#(version)",\#(members)}"#,
      "\(try await server.adminAddress)/admin/canary")
  }

  @Test(
    "A canary answers its share, is chosen by the header, is promoted, and does not survive a restart"
  )
  func life() async throws {
    let folder = try TemporaryFolder()
    let state = folder.url.appendingPathComponent("state").path
    let paths = ["first", "second"].map { folder.url.appendingPathComponent($0).path }
    for (path, name) in zip(paths, ["first", "second"]) {
      try await convert(Self.embedded, path, "--name", name)
    }
    var server = try await ServerUnderTest("--state-dir", state)
    let admin = try await server.adminAddress
    let versions = [try await upload(server, paths[0]), try await upload(server, paths[1])]
    #expect(try await begin(server, versions[1], #""percent":25"#).status == 409)
    #expect(try await begin(server, "0123456789abcdef", #""percent":25"#).status == 404)
    #expect(try await begin(server, versions[0], #""percent":101"#).status == 400)
    let begun = try await begin(server, versions[0], #""percent":25"#)
    #expect(begun.status == 200, "\(begun.body)")
    var names: [String] = []
    for _ in 0..<40 { names.append(try await name(server)) }
    #expect(names.count { $0 == "first" } == 10 && names.count { $0 == "second" } == 30)
    #expect(try await name(server, "-H", "X-Resnetd-Canary: always") == "first")
    #expect(try await name(server, "-H", "X-Resnetd-Canary: never") == "second")
    let shown = try await server.curl("\(admin)/admin/canary").body
    #expect(shown.contains(#""percent":25,"#) && shown.contains(#""requests":11,"errors":0"#))
    let metrics = try await server.curl("\(server.address)/metrics").body
    #expect(metrics.contains("\nresnetd_canary_percent 25\n"))
    #expect(
      metrics.contains(
        #"_classification_duration_seconds_count{version="\#(versions[0])",outcome="answered"} 11"#)
    )

    let promoted = try await server.curl(
      "-X", "POST", "\(admin)/admin/versions/\(versions[0])/activate")
    #expect(promoted.body.contains(#""reason":"promoted""#))
    #expect(try await name(server) == "first")
    #expect(try await begin(server, versions[1], #""percent":100"#).status == 200)
    #expect(try await name(server) == "second")
    #expect(await server.stop() == 0)

    server = try await ServerUnderTest("--state-dir", state)
    #expect(try await name(server, "-H", "X-Resnetd-Canary: always") == "first")
    let after = try await server.curl("\(try await server.adminAddress)/admin/canary").body
    #expect(after == #"{"canary":null,"last":null}"# + "\n")
    #expect(await server.stop() == 0)
  }

  @Test("A canary with the wrong preprocessing returns by itself, and no request fails")
  func automaticReturn() async throws {
    let folder = try TemporaryFolder()
    let path = { (name: String) in folder.url.appendingPathComponent(name).path }
    let server = try await ServerUnderTest("--state-dir", path("state"))
    let admin = try await server.adminAddress
    let live = try await server.curl("\(admin)/admin/model").body
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(live.utf8)) as? [String: Any])
    let labels = try #require(document["labels"] as? [String])
    _ = try folder.file("labels", labels.joined(separator: "\n"))
    try await convert("--to", "plain", Self.embedded, path("plain"))
    // Without golden samples, only the answers show that it is wrong.
    try await convert(
      path("plain"), path("wrong"), "--name", "wrong", "--labels", path("labels"), "--preprocess",
      #"{"resize":{"rule":"exact","height":32,"width":32,"filter":"bilinear"},"crop":{"rule":"none"},"#
        + #""mean":[4,4,4],"std":[0.2,0.2,0.2],"range":1}"#)
    let wrong = try await upload(server, path("wrong"))
    #expect(try await server.curl("-X", "POST", "\(admin)/admin/rollback").status == 200)
    let begun = try await begin(server, wrong, #""percent":100"#)
    #expect(begun.status == 200 && begun.body.contains(#""compared":true"#), "\(begun.body)")
    let deadline = ContinuousClock.now + Self.returnTimeLimit
    var state = ""
    repeat {
      _ = try await name(server)
      state = try await server.curl("\(admin)/admin/canary").body
    } while !state.hasPrefix(#"{"canary":null"#) && ContinuousClock.now < deadline
    #expect(state.contains(#""reason":"disagreement""#), "\(state)")
    #expect(try await name(server) == "resnet20-cifar10")
    #expect(await server.stop() == 0)
    #expect(server.logged.contains(#""message":"audit","action":"canary returned","by":"server""#))
  }
}
