import HTTPServer
import Testing

/// What becomes of handshakes that never end, and of clients that do not speak TLS.
@Suite struct HandshakeTests {
  @Test("Of too many handshakes of one client the silent and oldest is ended for a new one")
  func oldest() throws {
    let identity = try TestIdentity().identity()
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
    let identity = try TestIdentity().identity()
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
    let identity = try TestIdentity().identity()
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
    let identity = try TestIdentity().identity()
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
