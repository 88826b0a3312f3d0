import Checkpoint
import Foundation
import Testing

/// The first model of a server with a state folder, whole or damaged.
@Suite(.serialized) struct StateFolderTests {
  private static let embedded =
    ProgramUnderTest.repository + "/Sources/CEmbeddedModels/resnet20-cifar10.safetensors"
  private static let embeddedVersion = "8a3ca0d18ee4"
  private static var listening: Regex<(Substring, Substring)> {
    /"address":"http:\/\/127\.0\.0\.1:(\d+)"/
  }

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private var state: String { folder.url.appendingPathComponent("state").path }

  private func renamed(_ name: String) async throws -> String {
    let path = folder.url.appendingPathComponent("\(name).safetensors").path
    let outcome = try await ProgramUnderTest.run(
      "convert", "--force", Self.embedded, path, "--name", name)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    return path
  }

  private func server(_ options: String...) async throws -> ServerUnderTest {
    try await ServerUnderTest(options: ["--state-dir", state] + options)
  }

  private func name(_ server: ServerUnderTest) async throws -> String {
    let body = try await server.curl("\(try await server.adminAddress)/admin/model").body
    return try #require(body.firstMatch(of: /"name":"([^"]+)"/)).output.1.description
  }

  /// Leaves a folder in which `second` was live last and `first` before.
  private func prepare() async throws {
    let server = try await server()
    let target = "\(try await server.adminAddress)/admin/model"
    for name in ["first", "second"] {
      let upload = try await server.curl("-T", try await renamed(name), target)
      #expect(upload.status == 200, "\(upload.body)")
    }
    #expect(await server.stop() == 0)
  }

  private func file(_ name: String) -> URL {
    URL(fileURLWithPath: state).appendingPathComponent(name)
  }

  @Test(
    "With a damaged or missing record the newest model that was live is served, and it is said",
    arguments: ["", "{", "gone", #"{"format_version":1}"#])
  func damagedRecord(text: String) async throws {
    try await prepare()
    for name in ["live.json", "live.before.json"] {
      if text == "gone" {
        try FileManager.default.removeItem(at: file(name))
      } else {
        try Data(text.utf8).write(to: file(name))
      }
    }
    let server = try await server()
    #expect(try await name(server) == "second")
    let shown = try await server.curl("\(try await server.adminAddress)/admin/model").body
    #expect(shown.contains(#""recovered":"live.json"#) || shown.contains("live.json"), "\(shown)")
    #expect(server.logged.contains("is taken for live"))
    let rollback = try await server.curl(
      "-X", "POST", "\(try await server.adminAddress)/admin/rollback")
    #expect(rollback.status == 200, "\(rollback.body)")
    #expect(try await name(server) == "first")
    #expect(await server.stop() == 0)
  }

  @Test("Where the file of what was live is damaged the model before it is served, loudly")
  func damagedFile() async throws {
    try await prepare()
    let second = try Model.load(path: try await renamed("second")).version
    let handle = try FileHandle(forWritingTo: file("versions/\(second.hex)"))
    try handle.truncate(atOffset: 1000)
    try handle.close()
    let server = try await server()
    #expect(try await name(server) == "first")
    #expect(server.logged.contains("what was live cannot be used"))
    #expect(server.logged.contains("is taken for live"))
    #expect(await server.stop() == 0)
  }

  @Test("Where nothing tells what was live the server is not ready, until an administrator chooses")
  func lost() async throws {
    try await prepare()
    for name in ["live.json", "live.before.json"] {
      try Data().write(to: file(name))
    }
    for name in try FileManager.default.contentsOfDirectory(atPath: file("versions").path)
    where name.hasSuffix(".json") {
      let text = try String(contentsOf: file("versions/\(name)"), encoding: .utf8)
      try text.replacing(/"last_live_ms":\d+,/, with: "")
        .write(to: file("versions/\(name)"), atomically: true, encoding: .utf8)
    }
    let server = try await ServerUnderTest(
      options: ["--state-dir", state], until: Self.listening)
    let admin = try await server.earlyAdminAddress
    let probe = try await server.curl("\(server.address)/readyz")
    #expect(probe.status == 503 && probe.body.contains("nothing tells which"), "\(probe.body)")
    #expect(try await server.curl("\(server.address)/livez").status == 200)
    let listed = try await server.curl("\(admin)/admin/versions").body
    let digits = try #require(listed.firstMatch(of: /"second","version":"([0-9a-f]{12})"/)).output.1
    let choice = try await server.curl("-X", "POST", "\(admin)/admin/versions/\(digits)/activate")
    #expect(choice.status == 200, "\(choice.body)")
    _ = try await server.logged(/"message":"(ready)"/)
    #expect(try await name(server) == "second")
    #expect(await server.stop() == 0)
    let again = try await self.server()
    #expect(try await name(again) == "second")
    #expect(await again.stop() == 0)
  }

  @Test("A server that waits for an administrator ends in order")
  func stopped() async throws {
    try FileManager.default.createDirectory(
      at: URL(fileURLWithPath: state), withIntermediateDirectories: false)
    try Data("garbage".utf8).write(to: file("live.json"))
    let server = try await ServerUnderTest(
      options: ["--state-dir", state], until: Self.listening)
    #expect(await server.stop() == 0)
    let off = try await ProgramUnderTest.run(
      "serve", "--port", "0", "--state-dir", state, "--admin", "off")
    #expect(off.exitCode == 1 && off.errors.contains("--prefer-model"))
    let forced = try await self.server("--model", Self.embedded, "--prefer-model")
    #expect(
      try await forced.curl("\(try await forced.adminAddress)/admin/model").body
        .contains(Self.embeddedVersion))
    #expect(await forced.stop() == 0)
  }

  @Test(
    "--model gives way to what was chosen, which is said, and wins with --prefer-model for good")
  func preference() async throws {
    let other = try await renamed("other")
    var server = try await server("--model", other)
    #expect(try await name(server) == "other")
    #expect(await server.stop() == 0)
    // Nobody has chosen it, so another option counts.
    server = try await self.server("--model", try await renamed("third"))
    #expect(try await name(server) == "third")
    let admin = try await server.adminAddress
    #expect(
      try await server.curl("-T", try await renamed("first"), "\(admin)/admin/model").status == 200)
    #expect(await server.stop() == 0)

    server = try await self.server("--model", other)
    #expect(try await name(server) == "first")
    #expect(server.logged.contains("--prefer-model makes these win"))
    #expect(await server.stop() == 0)
    server = try await self.server("--model", other, "--prefer-model")
    #expect(try await name(server) == "other")
    #expect(
      try await server.curl("-X", "POST", "\(try await server.adminAddress)/admin/rollback").status
        == 200)
    #expect(try await name(server) == "first")
    #expect(await server.stop() == 0)
    server = try await self.server("--model", other, "--prefer-model")
    #expect(await server.stop() == 0)
    server = try await self.server()
    #expect(try await name(server) == "other", "the folder has it now")
    #expect(await server.stop() == 0)
    let alone = try await ProgramUnderTest.run(
      "serve", "--port", "0", "--state-dir", state, "--prefer-model",
      environment: ["RESNETD_MODEL": ""])
    #expect(alone.exitCode == 2 && alone.errors.contains("--prefer-model needs --model"))
  }

  @Test("What options make of a file is shown under the version that is kept of it")
  func completed() async throws {
    let labels = try folder.file("labels", (0..<10).map { "class \($0)\n" }.joined())
    let server = try await server("--model", Self.embedded, "--labels", labels.path)
    let admin = try await server.adminAddress
    let shown = try #require(
      try await server.curl("\(admin)/admin/model").body
        .firstMatch(of: /"version":"([0-9a-f]{12})"/)
    ).output.1
    #expect(shown != Self.embeddedVersion)
    #expect(try await server.curl("\(admin)/admin/versions").body.contains(shown))
    let activated = try await server.curl(
      "-X", "POST", "\(admin)/admin/versions/\(shown)/activate")
    #expect(activated.status == 200, "\(activated.body)")
    #expect(await server.stop() == 0)
  }

  @Test("A check says what a start does where the live model's file is gone, or the folder above")
  func check() async throws {
    try await prepare()
    try FileManager.default.removeItem(at: file("versions"))
    let words = "no model that was live is left: the last was version"
    func run(_ options: String...) async throws -> ProgramUnderTest.Outcome {
      try await ProgramUnderTest.run(
        ProgramUnderTest.url,
        ["serve", "--port", "0", "--tune", "off", "--state-dir", state] + options)
    }
    let told = try await run("--check")
    #expect(told.exitCode == 0 && told.errors.contains(words), "\(told)")
    #expect(told.output.contains("none before an administrator"), "\(told)")
    #expect(told.output.hasSuffix("not be ready before that\n"), "\(told)")
    // Nobody could send one.
    for options in [["--check"], []] {
      let refused = try await ProgramUnderTest.run(
        ProgramUnderTest.url,
        ["serve", "--port", "0", "--state-dir", state, "--admin", "off"] + options)
      #expect(
        refused.exitCode == 1 && refused.errors.contains(words)
          && refused.errors.contains("--prefer-model"), "\(refused)")
    }
    let server = try await ServerUnderTest(
      options: ["--state-dir", state, "--tune", "off"], until: Self.listening)
    let probe = try await server.curl("\(server.address)/readyz")
    #expect(probe.status == 503 && probe.body.contains(words), "\(probe.body)")
    #expect(await server.stop() == 0)

    let below = folder.url.path + "/none/state"
    for options in [["--check"], []] {
      let refused = try await ProgramUnderTest.run(
        ProgramUnderTest.url, ["serve", "--port", "0", "--state-dir", below] + options)
      #expect(
        refused.exitCode == 1
          && refused.errors.contains("cannot make \(below): the folder above it is not there"),
        "\(refused)")
    }
  }
}
