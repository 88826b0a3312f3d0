import Foundation
import HTTPCore
import HTTPServer
import Testing

/// Authorities of other servers, as the environment names them to the built program.
@Suite struct KnownAuthorityTests {
  /// A server over TLS that has one image and nothing else.
  private struct Pictures: RequestHandler {
    let image: [UInt8]

    func receive(_ head: RequestHead, from address: String) -> Reception {
      .accept(
        bodyByteLimit: 0,
        then: Handling { request, exchange in
          let isImage = request.head.target.path == "/ship.jpg"
          exchange.respond(isImage ? Response(status: 200, body: image) : Response(status: 404))
        })
    }

    func answer(_ failure: ParseFailure, fields: HeaderFields?) -> Response { failure.response }
    func finished(_ record: ExchangeRecord) {}
    func written(_ head: RequestHead?, after duration: Duration) {}
  }

  /// A way to name authorities, and whether the pictures' own is among them.
  private struct Way {
    let environment: [String: String]
    let isTrusted: Bool
    /// Words of the warning at the start; nil for none.
    var warning: String?
  }

  private let authority: Authority
  private let stranger: Authority
  private let folder: TemporaryFolder
  private let server: HTTPServer
  private var address: String { "https://127.0.0.1:\(server.port)" }

  init() async throws {
    authority = try await Authority()
    stranger = try await Authority("A stranger")
    folder = try TemporaryFolder()
    let identity = try await authority.certifyServer()
    var configuration = ServerConfiguration()
    configuration.port = 0
    configuration.identity = try TLSIdentity(
      .init(certificates: identity.certificate, key: identity.key), report: { _ in })
    let image = try Data(contentsOf: URL(fileURLWithPath: ProgramUnderTest.sampleImage))
    server = try HTTPServer(configuration: configuration, handler: Pictures(image: Array(image)))
    server.start()
  }

  private func made(_ name: String) throws -> String {
    let path = folder.url.appendingPathComponent(name).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    return path
  }

  /// Makes a folder in which OpenSSL finds the certificate.
  private func hashed(_ name: String, _ certificate: String) async throws -> String {
    let path = try made(name)
    let hash = try await Authority.openssl(["x509", "-hash", "-noout", "-in", certificate]).output
    try FileManager.default.copyItem(
      atPath: certificate,
      toPath: "\(path)/\(hash.trimmingCharacters(in: .whitespacesAndNewlines)).0")
    return path
  }

  private func ways() async throws -> [Way] {
    let own = authority.certificate
    let folder = try await hashed("hashed", own)
    let plain = try made("plain")
    try FileManager.default.copyItem(atPath: own, toPath: "\(plain)/own.pem")
    let text = try self.folder.file("text", "no certificate").path
    return [
      Way(environment: [:], isTrusted: false),
      Way(environment: ["SSL_CERT_FILE": own], isTrusted: true),
      Way(environment: ["CURL_CA_BUNDLE": own], isTrusted: true),
      Way(environment: ["SSL_CERT_DIR": folder], isTrusted: true),
      Way(environment: ["SSL_CERT_DIR": "/none:\(folder)"], isTrusted: true),
      Way(
        environment: ["SSL_CERT_FILE": stranger.certificate, "SSL_CERT_DIR": folder],
        isTrusted: true),
      Way(environment: ["SSL_CERT_FILE": "", "SSL_CERT_DIR": folder], isTrusted: true),
      // As for the curl tool.
      Way(
        environment: ["CURL_CA_BUNDLE": stranger.certificate, "SSL_CERT_DIR": folder],
        isTrusted: false),
      Way(
        environment: ["CURL_CA_BUNDLE": stranger.certificate, "SSL_CERT_FILE": own],
        isTrusted: false),
      Way(
        environment: ["SSL_CERT_DIR": plain], isTrusted: false,
        warning: "SSL_CERT_DIR names \(plain), where OpenSSL finds no certificate"),
      Way(
        environment: ["SSL_CERT_FILE": "/none.pem", "SSL_CERT_DIR": folder], isTrusted: false,
        warning: "SSL_CERT_FILE names /none.pem, which cannot be read (No such file or directory)"),
      Way(
        environment: ["SSL_CERT_FILE": text], isTrusted: false,
        warning: "SSL_CERT_FILE names \(text), which holds no certificate in PEM form"),
      Way(
        environment: ["CURL_CA_BUNDLE": folder], isTrusted: false,
        warning: "CURL_CA_BUNDLE names \(folder), which cannot be read (Is a directory)"),
    ]
  }

  @Test("Whoever is asked over TLS is trusted by the same authorities, as for curl and OpenSSL")
  func places() async throws {
    let labels = try folder.file("labels", "a\nb\n").path
    for way in try await ways() {
      let fetching = try await ServerUnderTest(
        options: ["--tune", "off", "--fetch-from", address], environment: way.environment)
      let answer = try await fetching.curl(
        "\(fetching.address)/classify", "--data-binary", #"{"url": "\#(address)/ship.jpg"}"#)
      #expect(answer.status == (way.isTrusted ? 200 : 422), "\(way): \(answer)")
      if let warning = way.warning {
        #expect(
          fetching.logged.contains(#""level":"warning","message":"\#(warning)"#),
          "\(fetching.logged)")
      } else {
        #expect(!fetching.logged.contains("SSL_CERT"), "\(way): \(fetching.logged)")
      }
      #expect(await fetching.stop() == 0)

      let pulled = try await ProgramUnderTest.run(
        "pull", "\(address)/none-01ab23cd.pth", "--labels", labels, "--output",
        folder.url.path + "/pulled.safetensors", environment: way.environment)
      #expect(
        pulled.exitCode == 1
          && pulled.errors.contains(way.isTrusted ? "status 404" : "SSL_CERT_DIR"),
        "\(way): \(pulled.errors)")
    }
  }

  @Test("A check says where authorities are read from, or why nobody is trusted")
  func check() async throws {
    let folder = try await hashed("hashed", authority.certificate)
    func check(_ options: [String], _ environment: [String: String]) async throws
      -> ProgramUnderTest.Outcome
    {
      try await ProgramUnderTest.run(
        ProgramUnderTest.url, ["serve", "--check", "--port", "0"] + options,
        environment: environment)
    }
    let state = ["--state-dir", self.folder.url.path + "/state"]
    for options in [
      ["--fetch-from", "example.org"], ["--otlp-endpoint", "https://example.org"],
      ["--model-store", "https://example.org/models"] + state,
      ["--model-store", "s3://bucket/models"] + state,
    ] {
      let found = try await check(
        options, ["SSL_CERT_FILE": authority.certificate, "SSL_CERT_DIR": folder])
      #expect(
        found.exitCode == 0
          && found.output.contains("authorities: \(authority.certificate) and \(folder)"),
        "\(found)")
      let missed = try await check(options, ["SSL_CERT_FILE": "/none.pem"])
      #expect(
        missed.exitCode == 0
          && missed.errors.contains("warning: SSL_CERT_FILE names /none.pem, which cannot be read"),
        "\(missed)")
    }
    for options in [
      [], ["--fetch-from", "http://example.org"], ["--otlp-endpoint", "http://example.org"],
      ["--model-store", self.folder.url.path] + state,
    ] {
      let none = try await check(options, ["SSL_CERT_FILE": "/none.pem"])
      #expect(
        none.exitCode == 0 && !none.errors.contains("SSL_CERT")
          && !none.output.contains("authorities:"), "\(none)")
    }
  }

  @Test("Authorities that an option names are the only ones")
  func only() async throws {
    let admin = try await ServerUnderTest(
      options: [
        "--tls-cert", try await authority.certifyServer("admin").certificate, "--tls-key",
        authority.path("admin.key"), "--tune", "off",
      ], until: /"message":"ready","url":"https:\/\/127\.0\.0\.1:(\d+)"/)
    let port = try await admin.logged(/"message":"admin","url":"https:\/\/127\.0\.0\.1:(\d+)"/)
    let folder = try await hashed("hashed", authority.certificate)
    for (file, code) in [(authority.certificate, 0), (stranger.certificate, 1)] as [(String, Int32)]
    {
      let asked = try await ProgramUnderTest.run(
        "model", "status", "--admin-port", port, "--admin-tls", "--admin-ca", file,
        environment: ["SSL_CERT_DIR": folder])
      #expect(asked.exitCode == code, "\(asked)")
    }
    #expect(await admin.stop() == 0)
  }
}
