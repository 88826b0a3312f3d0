import Foundation
import Testing

/// `resnetd serve --tls-cert`, as curl, openssl and `resnetd model` see it.
@Suite struct TLSTests {
  private func server(
    _ identity: Authority.Certified, _ options: String...
  ) async throws -> ServerUnderTest {
    try await ServerUnderTest(
      options: ["--tls-cert", identity.certificate, "--tls-key", identity.key] + options,
      until: /"message":"ready","url":"https:\/\/127\.0\.0\.1:(\d+)"/)
  }

  /// Asks a path of the port for requests, trusting the authority.
  private func ask(
    _ server: ServerUnderTest, _ authority: Authority, _ path: String, _ options: String...
  ) async throws -> (status: Int, body: String) {
    try await server.curl(
      ["--cacert", authority.certificate] + options + ["https://localhost:\(server.port)\(path)"])
  }

  /// Tries a handshake with openssl's client; returns what it prints.
  private func handshake(_ port: Int, _ options: String...) async throws -> String {
    let outcome = try await Authority.openssl(
      ["s_client", "-connect", "127.0.0.1:\(port)"] + options)
    return outcome.output + outcome.errors
  }

  @Test("Requests of all sizes are answered over TLS, on all listeners, and over nothing else")
  func serves() async throws {
    let authority = try await Authority()
    let server = try await server(
      try await authority.certifyServer(), "--metrics-port", "0", "--client-connection-limit", "8")
    let picture = try await ask(
      server, authority, "/classify", "-T", ProgramUnderTest.sampleImage)
    #expect(picture.status == 200 && picture.body.contains("predictions"))
    // More than a read takes at once, and more than a socket holds.
    let big = try TemporaryFolder()
    let file = try big.file("zeros", String(repeating: "0", count: 12_000_000))
    let refused = try await ask(server, authority, "/classify", "-T", file.path)
    #expect(refused.status == 415 || refused.status == 413)
    let document = try await ask(server, authority, "/openapi.json")
    #expect(document.status == 200 && document.body.utf8.count > 20_000)
    #expect(document.body.hasSuffix("}\n") || document.body.hasSuffix("}"))

    let admin = try await server.logged(/"message":"admin","url":"https:\/\/127\.0\.0\.1:(\d+)"/)
    let metrics = try await server.logged(
      /"message":"metrics","url":"https:\/\/127\.0\.0\.1:(\d+)"/)
    for (port, path) in [(admin, "/admin/model"), (metrics, "/metrics")] {
      let answer = try await server.curl(
        "--cacert", authority.certificate, "https://127.0.0.1:\(port)\(path)")
      #expect(answer.status == 200)
    }
    let counts = try await server.curl(
      "--cacert", authority.certificate, "https://127.0.0.1:\(metrics)/metrics"
    ).body
    #expect(counts.contains(/resnetd_tls_handshakes_total\{result="done"\} [1-9]/))
    #expect(counts.contains(/resnetd_tls_certificate_expiry_timestamp_seconds [1-9]/))

    // In a container, commands take the server's own variables.
    let identity = ["RESNETD_TLS_CERT": authority.path("server.pem")]
    let health = try await ProgramUnderTest.run(
      "healthcheck", "--port", "\(server.port)", environment: identity)
    #expect(health.exitCode == 0, "\(health.errors)")
    let status = try await ProgramUnderTest.run(
      "model", "status", "--admin-port", admin, environment: identity)
    #expect(status.exitCode == 0, "\(status.errors)")
    let other = try await authority.certifyServer("other")
    let wrong = try await ProgramUnderTest.run(
      "healthcheck", "--port", "\(server.port)", "--tls-cert", other.certificate)
    #expect(wrong.exitCode == 1)

    let plain = try await server.curl("http://127.0.0.1:\(server.port)/livez")
    #expect(plain.status == 400 && plain.body.contains("https://"))
    #expect(await server.stop() == 0)
  }

  @Test("Versions 1.2 and 1.3 are spoken, http/1.1 is chosen, and sessions go on by tickets")
  func protocols() async throws {
    let authority = try await Authority()
    let server = try await server(try await authority.certifyServer())
    for version in ["-tls1_2", "-tls1_3"] {
      let made = try await handshake(server.port, version, "-alpn", "h2,http/1.1")
      #expect(made.contains("ALPN protocol: http/1.1"))
      #expect(!made.contains("Compression: zlib"))
    }
    let old = try await handshake(server.port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    #expect(old.contains("alert protocol version"))
    let weak = try await handshake(
      server.port, "-tls1_2", "-cipher", "AES128-SHA:ECDHE-ECDSA-AES128-SHA")
    #expect(weak.contains("alert handshake failure"))
    let other = try await handshake(server.port, "-alpn", "h2")
    #expect(other.contains("alert no application protocol"))

    let session = authority.path("session")
    let first = try await handshake(server.port, "-tls1_2", "-sess_out", session)
    #expect(first.contains("New, TLSv1.2"))
    let second = try await handshake(server.port, "-tls1_2", "-sess_in", session)
    #expect(second.contains("Reused, TLSv1.2"))
    // The failures above are in the log, with their reasons.
    #expect(server.logged.contains("TLS handshake failed"))
    #expect(await server.stop() == 0)
  }

  @Test("A certificate that is replaced is shown to new connections, one that is broken is not")
  func replaced() async throws {
    let authority = try await Authority()
    let (old, new) = (
      try await authority.certifyServer("old"), try await authority.certifyServer("new")
    )
    let live = Authority.Certified(
      certificate: authority.path("live.pem"), key: authority.path("live.key"))
    func install(_ certified: Authority.Certified) throws {
      for (from, to) in [(certified.certificate, live.certificate), (certified.key, live.key)] {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: from))
        try bytes.write(to: URL(fileURLWithPath: to), options: .atomic)
      }
    }
    func serial(_ file: String) async throws -> String {
      try await Authority.openssl(["x509", "-noout", "-serial", "-in", file]).output
    }
    func shown(_ port: Int) async throws -> String {
      let text = try await handshake(port)
      let end = try #require(text.range(of: "-----END CERTIFICATE-----"))
      let begin = try #require(text.range(of: "-----BEGIN CERTIFICATE-----"))
      let file = authority.path("shown.pem")
      try Data(text[begin.lowerBound..<end.upperBound].utf8).write(to: URL(fileURLWithPath: file))
      return try await serial(file)
    }
    try install(old)
    let server = try await server(live)
    #expect(try await shown(server.port) == serial(old.certificate))

    try Data("none".utf8).write(to: URL(fileURLWithPath: live.key), options: .atomic)
    kill(server.process.processIdentifier, SIGHUP)
    _ = try await server.logged(/(cannot be used; what was read before stays)/)
    #expect(try await shown(server.port) == serial(old.certificate))

    try install(new)
    kill(server.process.processIdentifier, SIGHUP)
    _ = try await server.logged(/"message":"(TLS certificate read)"/)
    #expect(try await shown(server.port) == serial(new.certificate))
    #expect(try await ask(server, authority, "/livez").status == 200)
    #expect(await server.stop() == 0)
  }

  @Test("Administrators show a certificate of the authority with one of the names")
  func administrators() async throws {
    let authority = try await Authority()
    let others = try await Authority("Another authority")
    let known = try await authority.certify("known", subject: "ada")
    let byOtherName = try await authority.certify(
      "alternative", subject: "nobody", "subjectAltName=DNS:grace.example")
    let stranger = try await authority.certify("stranger", subject: "eve")
    let foreign = try await others.certify("foreign", subject: "ada")
    let server = try await server(
      try await authority.certifyServer(), "--admin-client-ca", authority.certificate,
      "--admin-client-names", "ada,grace.example")
    let port = try await server.logged(/"message":"admin","url":"https:\/\/127\.0\.0\.1:(\d+)"/)
    func status(_ client: Authority.Certified?) async throws -> ProgramUnderTest.Outcome {
      let shown = client.map { ["--admin-cert", $0.certificate, "--admin-key", $0.key] } ?? []
      return try await ProgramUnderTest.run(
        ProgramUnderTest.url,
        [
          "model", "status", "--admin-port", port, "--admin-tls", "--admin-ca",
          authority.certificate,
        ] + shown)
    }
    for client in [known, byOtherName] {
      let outcome = try await status(client)
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
    }
    for client in [stranger, foreign, nil] {
      let outcome = try await status(client)
      #expect(outcome.exitCode == 1 && outcome.errors.contains("no answer"), "\(outcome.errors)")
    }
    // Each leaves a line of the audit, at most one a second; the last waits for its turn.
    _ = try await server.logged(
      /"message":"audit","action":"(refused)".*"outcome":"refused: client certificate: none was shown"/
    )
    let counts = server.logged.matches(of: /"outcome":"refused: client[^"]*","count":(\d+)/)
    #expect(counts.compactMap { Int($0.output.1) }.reduce(0, +) == 3)
    // The port for requests asks nobody.
    #expect(try await ask(server, authority, "/livez").status == 200)
    #expect(await server.stop() == 0)
  }

  @Test("Options of TLS that do not fit are refused with a remedy, before anything is served")
  func refusals() async throws {
    let authority = try await Authority()
    let one = try await authority.certifyServer("one")
    let two = try await authority.certifyServer("two")
    let locked = authority.path("locked.key")
    try await Authority.openssl([
      "pkey", "-in", one.key, "-aes256", "-passout", "pass:secret", "-out", locked,
    ])
    let cases: [(options: [String], exitCode: Int32, words: String)] = [
      (["--tls-cert", one.certificate], 2, "--tls-cert needs its --tls-key"),
      (["--tls-key", one.key], 2, "--tls-key needs its --tls-cert"),
      (["--admin-client-ca", one.certificate], 2, "needs --tls-cert and --tls-key"),
      (["--admin-client-names", "a"], 2, "needs --admin-client-ca"),
      (["--tls-cert", one.certificate, "--tls-key", two.key], 1, "is not that of the first"),
      (["--tls-cert", one.certificate, "--tls-key", locked], 1, "has a passphrase"),
      (["--tls-cert", one.key, "--tls-key", one.key], 1, "holds none in PEM form"),
      (["--tls-cert", one.certificate, "--tls-key", one.certificate], 1, "no private key"),
      (["--tls-cert", "/nowhere.pem", "--tls-key", one.key], 1, "cannot open /nowhere.pem"),
    ]
    for item in cases {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url, ["serve", "--port", "0"] + item.options)
      #expect(outcome.exitCode == item.exitCode, "\(item.options): \(outcome.errors)")
      #expect(outcome.errors.contains(item.words), "\(item.options): \(outcome.errors)")
    }
  }
}
