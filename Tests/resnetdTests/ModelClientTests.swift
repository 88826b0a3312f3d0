import Foundation
import ScriptedServer
import Testing

/// `resnetd model` and the servers that it is for.
@Suite(.serialized) struct ModelClientTests {
  private static let embedded =
    ProgramUnderTest.repository + "/Sources/CEmbeddedModels/resnet20-cifar10.safetensors"
  private static let embeddedVersion = "8a3ca0d18ee4"

  private let folder: TemporaryFolder
  private let socket: String

  init() throws {
    folder = try TemporaryFolder()
    socket = folder.url.appendingPathComponent("admin").path
  }

  private func path(_ name: String) -> String { folder.url.appendingPathComponent(name).path }

  /// Starts a server with a folder for models, on a Unix socket.
  private func server(_ more: String...) async throws -> ServerUnderTest {
    let server = try await ServerUnderTest(
      options: ["--admin-socket", socket, "--state-dir", path("state"), "--tune", "off"] + more)
    _ = try await server.logged(/"message":"admin","socket":"([^"]+)"/)
    return server
  }

  /// Asks the server on the Unix socket, which is named by a variable that `serve` reads too.
  private func model(_ arguments: String...) async throws -> ProgramUnderTest.Outcome {
    try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["model"] + arguments, environment: ["RESNETD_ADMIN_SOCKET": socket])
  }

  /// Asks a scripted server.
  private func model(
    at server: ScriptedServer, _ arguments: String...
  ) async throws -> ProgramUnderTest.Outcome {
    let port = try #require(server.address.split(separator: ":").last.map(String.init))
    return try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["model", "--admin-port", port] + arguments)
  }

  /// Returns the embedded model under another name, which is another version.
  private func renamed(_ name: String, _ options: String...) async throws -> String {
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["convert", Self.embedded, path(name), "--name", name] + options)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    return path(name)
  }

  @Test(
    "A terminal is shown the progress of an upload once, and nothing else is",
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"),
      "needs script of bsdutils"))
  func progress() async throws {
    let server = try await server()
    let push = "\(try ProgramUnderTest.url.path) model push"
    let seen = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/script"),
      ["-qec", "\(push) \(try await renamed("shown"))", "/dev/null"],
      environment: ["RESNETD_ADMIN_SOCKET": socket, "SHELL": "/bin/sh"])
    #expect(seen.exitCode == 0, "\(seen)")
    let whole = seen.output.matches(of: /uploading \[#{30}\]/)
    #expect(whole.count == 1, "\(seen.output)")
    let plain = try await model("push", try await renamed("plain"))
    #expect(plain.exitCode == 0 && plain.errors.isEmpty && !plain.output.contains("uploading"))
    #expect(await server.stop() == 0)
  }

  @Test("Models are pushed, shown, rolled back and activated over a Unix socket")
  func life() async throws {
    let server = try await server()
    let status = try await model("status")
    #expect(status.exitCode == 0 && status.errors.isEmpty, "\(status.errors)")
    #expect(status.output.contains("version    \(Self.embeddedVersion)\n"), "\(status.output)")
    #expect(status.output.contains("classes    10\n"), "\(status.output)")
    let raw = try await server.curl("--unix-socket", socket, "http://localhost/admin/model")
    #expect(try await model("status", "--json").output == raw.body)

    let second = try await renamed("second")
    let proved = try await model("push", "--dry-run", second)
    #expect(proved.exitCode == 0 && proved.output.contains("is fit; nothing was changed"))
    #expect(try await model("status").output.contains("resnet20-cifar10"))
    let pushed = try await model("push", second)
    #expect(pushed.exitCode == 0, "\(pushed.errors)")
    #expect(pushed.output.contains("is live, in place of \(Self.embeddedVersion)"))
    #expect(pushed.output.contains("  compile "), "\(pushed.output)")
    let version = try #require(pushed.output.firstMatch(of: /second ([0-9a-f]{12})/)?.output.1)

    let versions = try await model("versions").output.split(separator: "\n")
      .map { $0.split(separator: " ", omittingEmptySubsequences: true).map(String.init) }
    #expect(versions.contains { $0.first == String(version) && $0[1] == "live" })
    #expect(versions.contains { $0.first == Self.embeddedVersion && $0[1] == "previous" })
    let back = try await model("rollback")
    #expect(back.exitCode == 0 && back.output.contains("\(Self.embeddedVersion) is live"))
    let again = try await model("activate", String(version))
    #expect(again.exitCode == 0 && again.output.contains("second \(version) is live"))
    let config = try await model("config")
    #expect(config.output.contains("options.admin-socket"), "\(config.output)")
    #expect(await server.stop() == 0)
    // Every upload stated the digest of its bytes, and all of them were accepted.
    #expect(server.logged.matches(of: /"action":"(?:dry run|upload)","by":"socket"/).count == 2)
  }

  @Test("A file that contains no labels is pushed with those of the live model")
  func inheritance() async throws {
    let server = try await server()
    let plain = try await renamed("plain.safetensors", "--to", "plain")
    let refused = try await model("push", plain)
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains("contains no labels"), "\(refused.errors)")
    #expect(refused.errors.contains("(422, model-refused, at the step "), "\(refused.errors)")
    #expect(try await model("push", "--inherit", plain).exitCode == 0)
    #expect(await server.stop() == 0)
  }

  @Test("A canary begins, is shown and ends")
  func canary() async throws {
    let server = try await server()
    #expect(try await model("push", renamed("second")).exitCode == 0)
    let begun = try await model(
      "canary", Self.embeddedVersion, "--percent", "12.5", "--max-disagreement", "null")
    #expect(begun.exitCode == 0, "\(begun.errors)")
    let shown = try await model("canary")
    #expect(shown.output.contains("canary.percent"), "\(shown.output)")
    #expect(
      try await model("status").output.contains("canary     \(Self.embeddedVersion), 12.5 %\n"))
    #expect(try await model("canary", "--end").exitCode == 0)
    let gone = try await model("canary", "--end")
    #expect(gone.exitCode == 1 && gone.errors.contains("(404"), "\(gone.errors)")
    #expect(await server.stop() == 0)
  }

  @Test("A token is shown where it is wanted, and asked for where it is missing")
  func token() async throws {
    let token = try folder.file("token", "0123456789abcdef0123456789abcdef\n").path
    let server = try await ServerUnderTest("--admin-token-file", token, "--tune", "off")
    let port = try #require(try await server.adminAddress.split(separator: ":").last)
    func status(_ options: String..., environment: [String: String] = [:]) async throws
      -> ProgramUnderTest.Outcome
    {
      try await ProgramUnderTest.run(
        ProgramUnderTest.url, ["model", "status", "--admin-port", String(port)] + options,
        environment: environment)
    }
    let without = try await status()
    #expect(without.exitCode == 1)
    #expect(without.errors.contains("--admin-token-file"), "\(without.errors)")
    #expect(without.errors.contains("(401, unauthorized)"), "\(without.errors)")
    #expect(try await status("--admin-token-file", token).exitCode == 0)
    #expect(try await status("--token-file", token).exitCode == 0)
    #expect(try await status(environment: ["RESNETD_ADMIN_TOKEN_FILE": token]).exitCode == 0)
    let wrong = try folder.file("wrong", "another").path
    #expect(try await status("--token-file", wrong).exitCode == 1)
    let words = try folder.file("words", "two words").path
    #expect(
      try await status("--token-file", words).errors.contains("must contain exactly one word"))
    #expect(try await status("--token-file", path("none")).errors.contains("cannot open it"))
    // A proxy is not asked: it would see the token.
    #expect(
      try await status(
        "--token-file", token, environment: ["http_proxy": "http://127.0.0.1:1"]
      ).exitCode == 0)
    #expect(await server.stop() == 0)
  }

  @Test("What fails says why and changes nothing")
  func failures() async throws {
    let server = try await server()
    let refused = try await model("push", ProgramUnderTest.sampleImage, "--json")
    #expect(refused.exitCode == 1)
    #expect(refused.output.contains(#""type":"urn:resnetd:problem:model-refused""#))
    #expect(refused.errors.contains("(422, model-refused, at the step "), "\(refused.errors)")
    for (arguments, reason) in [
      (["push", path("none")], "cannot open \(path("none")): No such file"),
      (["push", folder.url.path], "not a regular file"),
      (["push", Self.embedded, "--if-version", "0123456789ab"], "\(Self.embeddedVersion) is live"),
      (["activate", "0123456789ab"], "(404, unknown-version)"),
      (["rollback"], "(409, no-previous-version)"),
      // These do not use the socket, which the variable names.
      (["rollback", "--admin-port", "1"], "127.0.0.1 port 1: "),
      (
        ["status", "--admin-socket", path("nowhere")],
        "at the socket \(path("nowhere")): No such file or directory; --admin-host"
      ),
    ] {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url, ["model"] + arguments, environment: ["RESNETD_ADMIN_SOCKET": socket])
      #expect(outcome.exitCode == 1 && outcome.output.isEmpty, "\(arguments)")
      #expect(outcome.errors.contains(reason), "\(outcome.errors)")
    }
    #expect(try await model("status").output.contains(Self.embeddedVersion))
    #expect(await server.stop() == 0)
  }

  @Test(
    "Wrong usage is told apart from what fails",
    arguments: [
      ([], "name an action"), (["statsu"], "did you mean status?"),
      (["push"], "push FILE"), (["push", "a", "b"], "unexpected argument \"b\""),
      (["status", "x"], "unexpected argument \"x\""), (["activate"], "activate VERSION"),
      (["activate", "xyz"], "is not a version"), (["delete", "../../model"], "is not a version"),
      (["rollback", "--dry-run"], "--dry-run belongs to"),
      (["status", "--percent", "5"], "--percent belongs to"),
      (["canary", "0123456789ab"], "needs --percent"),
      (["canary", "0123456789ab", "--percent", "1e2"], "--percent is a number from 0 to 100"),
      (["canary", "0123456789ab", "--percent", "05"], "--percent is a number from 0 to 100"),
      (["canary", "--end", "--percent", "5"], "--end ends the canary"),
      (["canary", "0123456789ab", "--end"], "give no VERSION"),
      (["canary", "--percent", "5"], "give its VERSION"),
      (["status", "--admin-port", "0"], "makes the server pick a port"),
      (["status", "--admin-port", "3", "--admin-socket", "a"], "not both"),
    ])
  func usage(_ arguments: [String], _ message: String) async throws {
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["model"] + arguments, environment: ["RESNETD_ADMIN_PORT": "8081"])
    #expect(outcome.exitCode == 2)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
  }

  // MARK: Scripted servers

  private static let liveModel =
    #"{"name":"a","version":"0123456789ab","digest":"sha256:0123456789abcdef"}"#

  private static func answer(_ body: String, _ fields: String = "") -> [UInt8] {
    Array(
      ("HTTP/1.1 200 OK\r\n\(fields)Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n"
        + body).utf8)
  }

  @Test("An upload that depends on a version names the server's own tag of it, and its digest")
  func conditional() async throws {
    let server = try ScriptedServer { _, _ in
      Self.answer(Self.liveModel, "ETag: \"a tag\"\r\n")
    }
    let file = try folder.file("file", "abc").path
    let outcome = try await model(
      at: server, "push", file, "--if-version", "01234567", "--dry-run", "--inherit")
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let requests = server.requests
    try #require(requests.count == 2)
    #expect(requests[0].hasPrefix("GET /admin/model HTTP/1.1\r\n"))
    #expect(requests[1].hasPrefix("PUT /admin/model?dry_run=true&inherit=true HTTP/1.1\r\n"))
    for field in [
      "If-Match: \"a tag\"", "Content-Length: 3", "Expect: 100-continue",
      // SHA-256 of `abc` (FIPS 180-4).
      "Content-Digest: sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:",
    ] { #expect(requests[1].contains("\r\n\(field)\r\n"), "\(field): \(requests[1])") }
    let untagged = try ScriptedServer { _, _ in Self.answer(Self.liveModel) }
    let blind = try await model(at: untagged, "push", file, "--if-version", "01234567")
    #expect(blind.exitCode == 1 && blind.errors.contains("no ETag"), "\(blind.errors)")
  }

  @Test(
    "Each action is one request",
    arguments: [
      (["cancel"], "DELETE /admin/swap"), (["swap"], "GET /admin/swap"),
      (["delete", "0123456789ab"], "DELETE /admin/versions/0123456789ab"),
      (["rollback"], "POST /admin/rollback"), (["canary", "--end"], "DELETE /admin/canary"),
      (["config"], "GET /admin/config"),
    ])
  func requests(_ arguments: [String], _ line: String) async throws {
    let server = try ScriptedServer { _, _ in Self.answer("{}") }
    let port = try #require(server.address.split(separator: ":").last.map(String.init))
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["model", "--admin-port", port] + arguments)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(server.requests.count == 1)
    #expect(server.requests.first?.hasPrefix("\(line) HTTP/1.1\r\n") == true)
  }

  @Test("What could not be recorded is said, of what is live and of a change")
  func unrecorded() async throws {
    let fault = #""recorded":false,"record_fault":"no room in /state""#
    let server = try ScriptedServer { head, _ in
      Self.answer(#"{"name":"a","version":"0123456789ab",\#(fault)}"#)
    }
    let expected = "no, a restart would not know of it: no room in /state"
    let status = try await model(at: server, "status")
    #expect(status.output.contains("recorded   \(expected)\n"), "\(status.output)")
    let rollback = try await model(at: server, "rollback")
    #expect(
      rollback.output.contains("recorded: \(expected); the server tries again"),
      "\(rollback.output)")
    let sound = try ScriptedServer { _, _ in Self.answer(#"{"recorded":true,"recovered":"why"}"#) }
    let other = try await model(at: sound, "status").output
    #expect(other.contains("recorded   yes\nrecovered  why\n"), "\(other)")
    #expect(try await !model(at: sound, "rollback").output.contains("recorded"))
  }

  @Test("Where nobody listens the message names the port or the socket that was tried")
  func nobody() async throws {
    // The port of the discard service.
    let port = try await ProgramUnderTest.run("model", "status", "--admin-port", "9")
    #expect(port.errors.contains("at 127.0.0.1 port 9: Connection refused"), "\(port.errors)")
    // The socket of a server that has ended.
    let server = try await server()
    #expect(await server.stop(SIGKILL) == SIGKILL)
    let left = try await model("status")
    #expect(left.exitCode == 1)
    #expect(left.errors.contains("at the socket \(socket): Connection refused"), "\(left.errors)")
    #expect(!left.errors.contains("localhost"))
  }

  @Test("An answer that is not an admin endpoint's is said to be that, and drives no terminal")
  func foreign() async throws {
    let page = try ScriptedServer { _, _ in Self.answer("<html>") }
    let status = try await model(at: page, "status")
    #expect(status.exitCode == 1 && status.errors.contains("is not JSON"), "\(status.errors)")
    let hostile = try ScriptedServer { _, _ in
      Self.answer(#"{"name":"\u001b[31mred\u0007","digest":"sha256:0"}"#)
    }
    let shown = try await model(at: hostile, "status")
    #expect(shown.exitCode == 0 && shown.output.contains("[31mred"), "\(shown.output)")
    #expect(!shown.output.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    let bare = try ScriptedServer(
      answering: "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    let failed = try await model(at: bare, "status")
    #expect(failed.exitCode == 1 && failed.errors.contains("answers 502"), "\(failed.errors)")
  }
}
