import Foundation
import HTTPCore
import Serving
import Telemetry
import Testing

/// Access to the admin endpoint.
@Suite struct AdminAccessTests {
  @Test(
    "Without a token only the loopback's own names are answered, and no web page",
    arguments: [
      ("localhost", 200), ("LOCALHOST:8081", 200), ("127.0.0.1:8081", 200), ("127.9.9.9", 200),
      ("[::1]:8081", 200), ("example.org", 403), ("localhost.example.org", 403),
      ("127.0.0.1.example.org", 403), ("127.example.org", 403), ("0.0.0.0", 403), ("", 403),
      ("[::2]", 403), ("128.0.0.1", 403),
    ])
  func hosts(host: String, status: Int) async throws {
    let admin = try AdminFixture()
    #expect(try await admin.ask("GET", "/admin/model", [("Host", host)]).status == status)
    let page = [("Host", host), ("Origin", "null")]
    #expect(try await admin.ask("GET", "/admin/model", page).status == 403)
  }

  @Test(
    "The token is wanted whole, once and as a bearer's",
    arguments: [
      (["Bearer secret"], 200), (["bearer secret"], 200), (["Bearer  secret"], 200),
      ([], 401), ([""], 401), (["Bearer"], 401), (["Bearer "], 401), (["secret"], 401),
      (["Basic secret"], 401), (["Bearer secre"], 401), (["Bearer secrett"], 401),
      (["Bearer secretsecret"], 401), (["Bearer Secret"], 401), (["Bearer secret x"], 401),
      (["Bearer secret", "Bearer secret"], 401),
    ])
  func tokens(credentials: [String], status: Int) async throws {
    let file = try TokenFile("secret\n")
    let admin = try AdminFixture(token: file.path)
    // A token makes up for a foreign name.
    let fields = [("Host", "example.org")] + credentials.map { ("Authorization", $0) }
    let answer = try await admin.ask("GET", "/admin/model", fields)
    #expect(answer.status == status)
    #expect(answer.fields["WWW-Authenticate"] == (status == 401 ? "Bearer" : nil))
    #expect(!admin.logged.contains("secret"))
  }

  @Test("A text that goes on behind the longest token is another one")
  func longest() async throws {
    let token = String(repeating: "x", count: 4096)
    let admin = try AdminFixture(token: TokenFile(token).path)
    #expect(try await status(admin, token) == 401, "the file went with its owner")
    let file = try TokenFile(token)
    let other = try AdminFixture(token: file.path)
    #expect(try await status(other, token) == 200)
    #expect(try await status(other, token + "x") == 401)
    try file.write(token + "x")
    #expect(try await status(other, token + "x") == 401)
    #expect(other.logged.contains("is not a small file"))
  }

  @Test("What is wrong with the file is said once, and the file is read again when it is another")
  func fileChanges() async throws {
    let file = try TokenFile("")
    let admin = try AdminFixture(token: file.path)
    for (content, complaint) in [("", "is empty"), (nil, "is not there"), ("  \n", "is empty")] {
      try file.write(content)
      let before = admin.logged.count
      // There is a pause from the sixth on.
      for _ in 0..<3 { #expect(try await [401, 429].contains(status(admin, "a"))) }
      let said = admin.logged.dropFirst(before)
      #expect(admin.logged.contains("file \(complaint); all requests are rejected"))
      #expect(said.split(separator: "\n").count { $0.contains("the admin token's file") } <= 1)
    }
    try file.write("a")
    #expect(try await status(admin, "a") == 200)
    try file.write("b")
    #expect(try await status(admin, "a") == 401)
    #expect(try await status(admin, "b") == 200)
  }

  @Test(
    "A token that no request can show is told, and a short one",
    arguments: [
      ("one-token\ntwo-token\n", "has more than one line"), ("a token", "has a blank within"),
      ("\u{feff}some-token", "begins with a byte order mark"),
      ("some\u{7f}token", "has a control character"), ("s\0o\0m\0e\0", "is text in UTF-16LE"),
    ])
  func flaws(content: String, flaw: String) async throws {
    let file = try TokenFile(content)
    let token = AdminToken(path: file.path, log: Log(format: .json))
    #expect(token.flaw?.hasPrefix(flaw) == true && token.flaw?.contains("openssl rand") == true)
    let admin = try AdminFixture(token: file.path)
    try file.write("long-enough")
    #expect(try await status(admin, "long-enough") == 200)
    #expect(!admin.logged.contains("warning"))
    try file.write(content)
    #expect(try await status(admin, "long-enough") == 401)
    #expect(admin.logged.contains("the admin token's file \(flaw)"))
    try file.write("short")
    #expect(try await status(admin, "short") == 200)
    #expect(admin.logged.contains("fewer than 8 characters"))
  }

  @Test("Rights count as a change, and a file that others can read is warned of")
  func rights() async throws {
    let file = try TokenFile("a")
    let admin = try AdminFixture(token: file.path)
    #expect(try await status(admin, "a") == 200)
    #expect(!admin.logged.contains("can be read by others"))
    #expect(unsafe chmod(file.path, 0o644) == 0)
    #expect(try await status(admin, "a") == 200)
    #expect(admin.logged.contains("can be read by others"))
  }

  private func status(_ admin: AdminFixture, _ token: String) async throws -> Int {
    try await admin.ask("GET", "/admin/model", [("Authorization", "Bearer \(token)")]).status
  }
}
