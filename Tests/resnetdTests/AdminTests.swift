import Foundation
import Testing

/// The admin endpoint of the built program, as curl drives it.
@Suite(.serialized) struct AdminTests {
  private static let embedded =
    ProgramUnderTest.repository + "/Sources/CEmbeddedModels/resnet20-cifar10.safetensors"
  private static let embeddedVersion = "8a3ca0d18ee4"

  /// Makes a model file with other bytes and the same answers: another name inside.
  private func renamed(_ folder: TemporaryFolder, as name: String) async throws -> String {
    let path = folder.url.appendingPathComponent("\(name).safetensors").path
    let outcome = try await ProgramUnderTest.run(
      "convert", Self.embedded, path, "--name", name)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    return path
  }

  private func state(_ folder: TemporaryFolder) -> String {
    folder.url.appendingPathComponent("state").path
  }

  private func classified(_ server: ServerUnderTest) async throws -> String {
    let answer = try await server.curl(
      "-T", ProgramUnderTest.sampleImage, "\(server.address)/classify")
    #expect(answer.status == 200)
    return answer.body
  }

  private func version(_ body: String) throws -> String {
    try #require(body.firstMatch(of: /"version":"([0-9a-f]{12})"/)).output.1.description
  }

  private func name(_ body: String) throws -> String {
    try #require(body.firstMatch(of: /"model":\{"name":"([^"]+)"/)).output.1.description
  }

  @Test("An upload becomes live, rolls back, comes again, and is live after a restart")
  func life() async throws {
    let folder = try TemporaryFolder()
    let first = try await renamed(folder, as: "first")
    let second = try await renamed(folder, as: "second")
    var server = try await ServerUnderTest("--state-dir", state(folder))
    var admin = try await server.adminAddress
    let dry = try await server.curl("-T", first, "\(admin)/admin/model?dry_run=true")
    #expect(dry.status == 200 && dry.body.contains(#""dry_run":true"#))
    #expect(try version(await classified(server)) == Self.embeddedVersion)
    // The first model is kept, and nothing of the dry run.
    let begun = try await server.curl("\(admin)/admin/versions").body
    #expect(begun.matches(of: /"version":/).count == 1)
    #expect(begun.contains(#""version":"\#(Self.embeddedVersion)""#))

    for path in [first, second] {
      let upload = try await server.curl("-T", path, "\(admin)/admin/model")
      #expect(upload.status == 200, "\(upload.body)")
      for step in ["validate", "golden", "warm", "record", "swap"] {
        #expect(upload.body.contains(#"{"step":"\#(step)","ms":"#))
      }
      #expect(try version(await classified(server)) == version(upload.body))
    }
    #expect(try await classified(server).contains(#""name":"second""#))
    #expect(
      try await server.curl("-X", "POST", "\(admin)/admin/rollback").status == 200)
    #expect(try await classified(server).contains(#""name":"first""#))
    let listed = try await server.curl("\(admin)/admin/versions").body
    let digest = try #require(listed.firstMatch(of: /"second","version":"([0-9a-f]{12})"/)).output.1
    let activated = try await server.curl(
      "-X", "POST", "\(admin)/admin/versions/\(digest)/activate")
    #expect(activated.status == 200)
    #expect(await server.stop() == 0)
    #expect(server.logged.contains(#""message":"audit","action":"activate","by":"loopback""#))
    // Each request's line names the model that answered it, and the listener that it came to.
    let answered = server.logged.matches(
      of: /"listener":"public",.*"target":"\/classify.*"model":"([^"]*)","version":"([^"]*)"/)
    #expect(
      answered.map { "\($0.output.1)" }.suffix(4) == ["first", "second", "second", "first"])
    #expect(answered.first?.output.2.description == Self.embeddedVersion)
    #expect(
      server.logged.contains(
        /"listener":"admin","method":"PUT","target":"\/admin\/model","status":200,"problem":"-"/))

    server = try await ServerUnderTest("--state-dir", state(folder))
    admin = try await server.adminAddress
    #expect(try await classified(server).contains(#""name":"second""#))
    #expect(
      try await server.curl("\(admin)/admin/model").body.contains(#""name":"second""#))
    #expect(await server.stop() == 0)
  }

  /// Returns curl's output for one image after another.
  private static func classify(_ address: String, count: Int) async throws -> [String] {
    var answers: [String] = []
    for _ in 0..<count {
      let outcome = try await ProgramUnderTest.run(
        URL(fileURLWithPath: "/usr/bin/curl"),
        ["--silent", "--show-error", "--fail", "--max-time", "30"]
          + ["-T", ProgramUnderTest.sampleImage, "\(address)/classify"])
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      answers.append(outcome.output)
    }
    return answers
  }

  @Test("Requests go on being answered, each by the model it names, while models are swapped")
  func traffic() async throws {
    let folder = try TemporaryFolder()
    let paths = [try await renamed(folder, as: "first"), try await renamed(folder, as: "second")]
    let server = try await ServerUnderTest("--state-dir", state(folder))
    let (address, target) = (server.address, "\(try await server.adminAddress)/admin/model")
    async let one = Self.classify(address, count: 25)
    async let two = Self.classify(address, count: 25)
    var marks = [Self.embeddedVersion: #""model":{"name":"#]
    for turn in 0..<6 {
      let upload = try await server.curl("-T", paths[turn % 2], target)
      #expect(upload.status == 200, "\(upload.body)")
      marks[try version(upload.body)] = turn % 2 == 0 ? #""name":"first""# : #""name":"second""#
    }
    for answer in try await one + two {
      let mark = try #require(marks[try version(answer)], "\(answer)")
      #expect(answer.contains(mark) && answer.contains(#""label":"ship""#))
    }
    #expect(await server.stop() == 0)
  }

  @Test("An upload whose client goes in the middle leaves nothing behind")
  func brokenUpload() async throws {
    let folder = try TemporaryFolder()
    let server = try await ServerUnderTest("--state-dir", state(folder))
    let target = "\(try await server.adminAddress)/admin/model"
    // It announces more than the file has, and gives up waiting for an answer.
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/curl"),
      ["-s", "--max-time", "1", "-X", "PUT", "--data-binary", "@\(Self.embedded)"]
        + ["-H", "Content-Length: 99999999", target])
    #expect(outcome.exitCode != 0 && outcome.output.isEmpty)
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    let incoming = state(folder) + "/incoming"
    while try !FileManager.default.contentsOfDirectory(atPath: incoming).isEmpty {
      guard ContinuousClock.now < deadline else {
        Issue.record("what has arrived is still there")
        return
      }
    }
    #expect(try version(await classified(server)) == Self.embeddedVersion)
    #expect(try await server.curl("-T", Self.embedded, target).status == 200)
    #expect(await server.stop() == 0)
  }

  @Test("An upload that does not come to its end is cut off with the server, which says so")
  func unfinishedUpload() async throws {
    let folder = try TemporaryFolder()
    let server = try await ServerUnderTest("--state-dir", state(folder))
    let target = "\(try await server.adminAddress)/admin/model"
    async let upload = ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/curl"),
      ["-s", "-X", "PUT", "--data-binary", "@\(Self.embedded)"]
        + ["-H", "Content-Length: 99999999", target])
    let incoming = state(folder) + "/incoming"
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    while try FileManager.default.contentsOfDirectory(atPath: incoming).isEmpty,
      ContinuousClock.now < deadline
    {}
    #expect(await server.stop() == 1)
    #expect(server.process.terminationReason == .exit)
    #expect(server.logged.contains(#""connections":0,"admin_connections":1,"swap":"no""#))
    #expect(try await upload.exitCode != 0)
    let next = try await ServerUnderTest("--state-dir", state(folder))
    #expect(try FileManager.default.contentsOfDirectory(atPath: incoming).isEmpty)
    #expect(await next.stop() == 0)
  }

  @Test("What is no model, has another digest or is unknown changes nothing")
  func refusals() async throws {
    let folder = try TemporaryFolder()
    let server = try await ServerUnderTest("--state-dir", state(folder))
    let admin = try await server.adminAddress
    let target = "\(admin)/admin/model"
    let other = try await renamed(folder, as: "other")
    let wrong = "Content-Digest: sha-256=:\(Data(count: 32).base64EncodedString()):"
    let requests: [(arguments: [String], status: Int, kind: String)] = [
      (["-T", ProgramUnderTest.sampleImage, target], 422, "model-refused"),
      (["-T", other, "-H", wrong, target], 400, "digest-mismatch"),
      (["-T", other, "-H", "Content-Digest: sha-256=:x:", target], 400, "malformed-digest"),
      (["-T", other, "\(target)?dryrun=true"], 400, "invalid-parameter"),
      (["-T", "/dev/null", target], 400, "malformed-upload"),
      (["-X", "POST", "\(admin)/admin/rollback"], 409, "no-previous-version"),
      (["-X", "POST", "\(admin)/admin/versions/abcdef0123/activate"], 404, "unknown-version"),
      (["-X", "POST", "\(admin)/admin/versions/xyz/activate"], 400, "malformed-version"),
      (["-X", "DELETE", target], 405, "method-not-allowed"),
      (["\(admin)/classify"], 404, "not-found"),
      (["-H", "Origin: http://example.org", target], 403, "cross-origin"),
      (["-H", "Host: example.org", target], 403, "foreign-host"),
    ]
    for (arguments, status, kind) in requests {
      let answer = try await server.curl(arguments)
      #expect(answer.status == status && answer.body.contains(":\(kind)\""), "\(arguments)")
    }
    #expect(try await server.curl("\(server.address)/admin/model").status == 404)
    #expect(try version(await classified(server)) == Self.embeddedVersion)
    let incoming = try FileManager.default.contentsOfDirectory(
      atPath: state(folder) + "/incoming")
    #expect(incoming.isEmpty)
    #expect(await server.stop() == 0)
  }

  @Test("A plain file is completed with the live model's labels only where the request says so")
  func inheritance() async throws {
    let folder = try TemporaryFolder()
    let plain = folder.url.appendingPathComponent("plain.safetensors").path
    #expect(
      try await ProgramUnderTest.run("convert", "--to", "plain", Self.embedded, plain).exitCode == 0
    )
    let server = try await ServerUnderTest("--state-dir", state(folder))
    let target = "\(try await server.adminAddress)/admin/model"
    let refused = try await server.curl("-T", plain, target)
    #expect(refused.status == 422 && refused.body.contains("contains no labels"))
    let before = try await classified(server)
    let taken = try await server.curl("-T", plain, "\(target)?inherit=true")
    #expect(taken.status == 200, "\(taken.body)")
    let after = try await classified(server)
    #expect(try version(after) != version(before))
    // The name is that of neither: a plain file has none.
    #expect(!after.contains(try name(before)))
    func predictions(_ answer: String) -> Substring? {
      answer.range(of: #""predictions""#).map { answer[$0.lowerBound...] }
    }
    #expect(predictions(after) != nil && predictions(after) == predictions(before))
    #expect(await server.stop() == 0)
  }

  @Test("With a token all requests are rejected without it, and a new one holds at once")
  func token() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("token", "one-token\n")
    let server = try await ServerUnderTest("--admin-token-file", file.path)
    let target = "\(try await server.adminAddress)/admin/model"
    func status(_ token: String) async throws -> Int {
      try await server.curl("-H", "Authorization: Bearer \(token)", target).status
    }
    #expect(try await server.curl(target).status == 401)
    #expect(try await status("one-token") == 200)
    #expect(try await status("one-toke") == 401)
    #expect(try await status("one-tokenx") == 401)
    try "another".write(to: file, atomically: true, encoding: .utf8)
    #expect(try await status("one-token") == 401)
    #expect(try await status("another") == 200)
    try "".write(to: file, atomically: true, encoding: .utf8)
    #expect(try await status("another") == 401)
    #expect(!server.logged.contains("another"))
    #expect(
      try await server.curl(
        "-T", Self.embedded, "-H", "Authorization: Bearer another", target
      ).status == 401)
    #expect(await server.stop() == 0)
  }

  @Test("Refusals are told in the audit, and whoever goes on trying is asked to wait")
  func refusedTokens() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("token", "right\n")
    let server = try await ServerUnderTest(
      "--admin-token-file", file.path, "--admin-connection-limit", "4")
    let target = "\(try await server.adminAddress)/admin/model"
    var statuses: [Int] = []
    for _ in 0..<7 {
      statuses.append(
        try await server.curl("-H", "Authorization: Bearer wrong", target).status)
    }
    #expect(statuses == [401, 401, 401, 401, 401, 429, 429])
    #expect(try await server.curl("-H", "Authorization: Bearer right", target).status == 200)
    _ = try await server.logged(/"action":"refused","by":"-","remote":"(127\.0\.0\.1:)/)
    let headers = try await server.curl("-D", "-", "-H", "Authorization: Bearer wrong", target)
    #expect(headers.body.contains("Connection: close"))
    #expect(!server.logged.contains("wrong"))
    #expect(await server.stop() == 0)
  }

  @Test("An address beyond the loopback needs a token; without a folder nothing is uploaded")
  func settings() async throws {
    let open = try await ProgramUnderTest.run("serve", "--port", "0", "--admin-host", "0.0.0.0")
    #expect(open.exitCode == 2 && open.errors.contains("--admin-token-file"))
    let server = try await ServerUnderTest()
    let upload = try await server.curl(
      "-T", Self.embedded, "\(try await server.adminAddress)/admin/model")
    #expect(upload.status == 409 && upload.body.contains("--state-dir"))
    let taken = try await ProgramUnderTest.run(
      "serve", "--port", "0", "--admin-port", String(server.port))
    #expect(taken.exitCode == 1 && taken.errors.contains("choose another with --admin-port"))
    let name = try await ProgramUnderTest.run(
      "serve", "--port", "0", "--admin-host", "127.example.invalid")
    #expect(name.exitCode == 2 && name.errors.contains("--admin-token-file"))
    let second = try await ServerUnderTest("--admin", "off")
    #expect(await second.stop() == 0, "\(second.logged)")
    #expect(!second.logged.contains(#""message":"admin""#))
    #expect(await server.stop() == 0)
  }
}
