import Foundation
import HTTPServer
import Testing

/// What becomes of handshakes that never end, and of clients that do not speak TLS.
@Suite struct HandshakeTests {
  /// A certificate for `localhost` by its own key, valid until 2126, for these tests alone.
  private static let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIBfzCCASWgAwIBAgIUf6VfmrgL6Z7Mm8OXcwws9hGmmxwwCgYIKoZIzj0EAwIw
    FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyOTIxNTkyN1oYDzIxMjYxMTA1
    MjE1OTI3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAAQjdD3Qzgc6xA6teO7dX720BQ9HehnFIOHG0VPUCz0zQg/YzD02AaCM
    JFeg+F8Y5tOaFEFDtLYCXYgLF3mCzENbo1MwUTAdBgNVHQ4EFgQUjt8+YEp9PNxm
    mvZgn2zHgpgJLCYwHwYDVR0jBBgwFoAUjt8+YEp9PNxmmvZgn2zHgpgJLCYwDwYD
    VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAg5vD6+6m0c8qwcYJUBA+
    +sH7+n3hDAS4FmEL3CLTi/wCIFn1vMqOO69I2A5rU09LOC73pwmrl3krLviKw1my
    36/u
    -----END CERTIFICATE-----
    """
  private static let key = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXjjNie2AAi6YnAfW
    sp0F15XAV5iW7dnKVqv37IQzTfGhRANCAAQjdD3Qzgc6xA6teO7dX720BQ9HehnF
    IOHG0VPUCz0zQg/YzD02AaCMJFeg+F8Y5tOaFEFDtLYCXYgLF3mCzENb
    -----END PRIVATE KEY-----
    """

  private final class Files {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-tests-\(UUID().uuidString)")

    init() throws {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
      for (name, text) in [("cert", certificate), ("key", key)] {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
      }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func identity() throws -> TLSIdentity {
      try TLSIdentity(
        TLSIdentity.Paths(
          certificates: folder.appendingPathComponent("cert").path,
          key: folder.appendingPathComponent("key").path)
      ) { _ in }
    }
  }

  @Test("Of too many handshakes of one client the silent and oldest is ended for a new one")
  func oldest() throws {
    let identity = try Files().identity()
    try withServer {
      $0.identity = identity
      $0.handshakeLimit = 2
    } _: { server in
      let clients = try (0..<3).map { _ in try server.connect() }
      #expect(throws: Client.Failure.ended([])) { try clients[0].answer() }
      // The others still wait: what they send is answered, though not by what they speak.
      #expect(try clients[2].exchange(request()).status == 400)
      #expect(try clients[1].exchange(request()).text.contains("https://"))
    }
    #expect(identity.handshakeCounts == (done: 0, failed: 3))
  }

  @Test("A handshake that takes too long is ended")
  func slow() throws {
    let identity = try Files().identity()
    try withServer {
      $0.identity = identity
      $0.handshakeTimeout = .milliseconds(1)
    } _: { server in
      let client = try server.connect()
      #expect(throws: Client.Failure.ended([])) { try client.answer() }
    }
    #expect(identity.handshakeCounts == (done: 0, failed: 1))
  }

  @Test("Every method without TLS is told what is spoken here")
  func plain() throws {
    let identity = try Files().identity()
    try withServer {
      $0.identity = identity
    } _: { server in
      for method in ["GET", "POST", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "X"] {
        let answer = try server.connect().exchange(request(method))
        #expect(answer.status == 400 && answer.text.contains("https://"), "\(method)")
      }
    }
  }

  @Test("A server that stops waits for no handshake, and does not count it as a request")
  func drain() throws {
    let identity = try Files().identity()
    var configuration = ServerConfiguration()
    configuration.port = 0
    configuration.identity = identity
    let server = try HTTPServer(configuration: configuration, handler: EchoHandler())
    server.start()
    let client = try Client(port: server.port)
    #expect(server.drain(within: .zero) == 0)
    #expect(throws: Client.Failure.ended([])) { try client.answer() }
  }
}
