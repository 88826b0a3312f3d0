import Foundation
import Testing

/// `resnetd serve --api-keys` and `resnetd api-key`.
@Suite struct APIKeyTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private var file: String { folder.url.appendingPathComponent("keys").path }

  /// Makes a key and adds it to the file.
  private func add(_ name: String, _ options: String...) async throws -> String {
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["api-key", name, "--append", file] + options)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    return outcome.output.trimmingCharacters(in: .newlines)
  }

  @Test("A key that is made for a client lets it in, until it is taken out of the file")
  func life() async throws {
    let key = try await add("ada", "--rate", "1/h", "--burst", "2")
    #expect(key.contains(/^rn_[0-9a-f]{64}$/))
    let server = try await ServerUnderTest("--api-keys", file)
    let image = ["-T", ProgramUnderTest.sampleImage, "\(server.address)/classify"]
    let refused = try await server.curl(
      ["-i", "-H", "Expect: 100-continue", "-w", "%{size_upload}\n%{http_code}"] + image)
    #expect(refused.status == 401 && refused.body.hasSuffix("}\n0"), "\(refused.body)")
    #expect(refused.body.contains(#"WWW-Authenticate: Bearer realm="resnetd""#))
    #expect(!refused.body.contains("100 Continue"))
    for shown in ["Authorization: Bearer \(key)", "X-API-Key: \(key)"] {
      let answer = try await server.curl(["-H", shown] + image)
      #expect(answer.status == 200 && answer.body.contains("ship"))
    }
    let limited = try await server.curl(["-i", "-H", "X-API-Key: \(key)"] + image)
    #expect(limited.status == 429 && limited.body.contains("Retry-After: 3"), "\(limited.body)")
    #expect(try await server.curl("\(server.address)/readyz").status == 200)
    #expect(try await server.metric(#"resnetd_api_key_images_total{key="ada"}"#) == 2)

    let other = try await add("bob")
    kill(server.process.processIdentifier, SIGHUP)
    _ = try await server.logged(/"message":"API keys".*"keys":(2)/)
    #expect(try await server.curl(["-H", "X-API-Key: \(other)"] + image).status == 200)
    #expect(try await server.curl(["-H", "X-API-Key: \(key)"] + image).status == 429)
    try Data("nonsense".utf8).write(to: URL(fileURLWithPath: file))
    kill(server.process.processIdentifier, SIGHUP)
    _ = try await server.logged(/"level":"warning","message":"the file of API keys has (changed)/)
    #expect(try await server.curl(["-H", "X-API-Key: \(other)"] + image).status == 200)
    #expect(try await server.metric("resnetd_api_keys_current") == 0)
    #expect(await server.stop() == 0)
    #expect(server.logged.contains(#""status":401"#) && server.logged.contains(#""key":"-""#))
    #expect(server.logged.contains(#""key":"ada""#) && server.logged.contains(#""key":"bob""#))
    #expect(!server.logged.contains(key) && !server.logged.contains(other))
  }

  @Test("Without --append the key is printed with its line, which sha256sum makes too")
  func printed() async throws {
    let outcome = try await ProgramUnderTest.run("api-key", "ci", "--rate", "100/min")
    #expect(outcome.exitCode == 0)
    let found = try #require(
      outcome.output.firstMatch(
        of: /^key:  (rn_[0-9a-f]{64})\nline: ci sha256:([0-9a-f]{64}) rate=100\/min\n$/))
    let digest = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/sha256sum"), [], input: String(found.output.1))
    #expect(digest.output.hasPrefix(found.output.2))
  }

  @Test("--check tells of keys and rates, and of a file that cannot be used")
  func check() async throws {
    _ = try await add("ada", "--rate", "10/s", "--burst", "20")
    _ = try await add("bob")
    let good = try await ProgramUnderTest.run("serve", "--check", "--api-keys", file)
    #expect(good.exitCode == 0, "\(good.errors)")
    #expect(
      good.output.contains("API keys: 2\nada  rate=10/s burst=20\nbob  no limit\n"),
      "\(good.output)")
    let bad = try folder.file("bad", "ada sha256:0\n").path
    for options in [["--check"], ["--port", "0"]] {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url, ["serve", "--api-keys", bad] + options)
      #expect(outcome.exitCode == 1)
      #expect(
        outcome.errors.contains("--api-keys: \(bad): line 1: after a key's name"),
        "\(outcome.errors)")
    }
  }

  @Test("What would not let a key in is refused, and the file stays as it was")
  func refusals() async throws {
    _ = try await add("ada")
    let before = try Data(contentsOf: URL(fileURLWithPath: file))
    let cases: [(arguments: [String], exitCode: Int32, words: String)] = [
      (["ada", "--append", file], 1, "the name ada is on line 1 already"),
      (["ada", "--append", folder.url.path], 1, "not a regular file"),
      (["ada", "--append", file + "/keys"], 1, "cannot open"),
      ([], 2, "a name has 1 to 64"), (["ada lovelace"], 2, "a name has"),
      (["ada", "bob"], 2, "a name has"), (["ada", "--burst", "2"], 2, "--burst needs --rate"),
      (["ada", "--rate", "10"], 2, "with /s, /min or /h, as 10/s"),
    ]
    for item in cases {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url, ["api-key"] + item.arguments)
      #expect(outcome.exitCode == item.exitCode && outcome.output.isEmpty, "\(item.arguments)")
      #expect(outcome.errors.contains(item.words), "\(outcome.errors)")
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before)
    try (before.dropLast()).write(to: URL(fileURLWithPath: file))
    _ = try await add("bob")
    let text = try String(contentsOfFile: file, encoding: .utf8)
    #expect(text.split(separator: "\n").count == 2 && text.hasSuffix("\n"))
  }
}
