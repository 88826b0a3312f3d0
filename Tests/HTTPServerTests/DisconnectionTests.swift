import HTTPCore
import HTTPServer
import Testing

/// Clients that read slowly, leave or stay too long.
///
/// Where a server must notice something by itself, it allows one connection: a second client is
/// served as soon as the first one's is gone.
struct DisconnectionTests {
  private static let largeByteCount = 8 << 20

  @Test(
    "A large answer waits for its reader, and nobody waits with it", arguments: Transport.allCases)
  func slowReader(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let slow = try server.connect(receiveBufferByteCount: 4096)
      try slow.send(request("GET", "/bytes?\(Self.largeByteCount)") + request("POST", body: "next"))
      let other = try server.connect()
      for _ in 0..<10 { #expect(try other.exchange(request("POST", body: "a")).text == "a") }
      let isWhole = try slow.answer().body == EchoHandler.bytes(Self.largeByteCount)
      #expect(isWhole)
      #expect(try slow.answer().text == "next")
    }
  }

  @Test(
    "A client that has finished sending gets its answer", arguments: [false, true],
    Transport.allCases)
  func halfClose(whileHandling: Bool, over transport: Transport) throws {
    try withServer(over: transport) { server in
      let client = try server.connect()
      try client.send(request("GET", "/hold"))
      let exchange = whileHandling ? server.handler.nextHeld() : nil
      client.finishSending()
      (exchange ?? server.handler.nextHeld()).respond(Response(status: 200, body: [65]))
      let answer = try client.answer()
      #expect(answer.text == "A")
      #expect(try client.rest() == "")
    }
  }

  @Test(
    "A client that has finished sending gets all answers, also large ones",
    arguments: Transport.allCases)
  func halfCloseBehindPipeline(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let client = try server.connect(receiveBufferByteCount: 4096)
      let large = request("GET", "/bytes?\(Self.largeByteCount)")
      try client.send(large + request("POST", "/later", body: "a") + large)
      client.finishSending()
      let first = try client.answer().body.count
      #expect(first == Self.largeByteCount)
      #expect(try client.answer().text == "a")
      let last = try client.answer().body.count
      #expect(last == Self.largeByteCount)
      #expect(try client.rest() == "")
    }
  }

  @Test(
    "A client that breaks off is noticed while its request is handled",
    arguments: Transport.allCases)
  func abruptClose(over transport: Transport) throws {
    try withServer(over: transport) {
      $0.connectionLimit = 1
      $0.reserveLimit = 0
    } _: { server in
      let client = try server.connect()
      try client.send(request("GET", "/hold"))
      let exchange = server.handler.nextHeld()
      #expect(!exchange.isCancelled)
      client.reset()
      #expect(try server.connect().exchange(request("POST", body: "a")).text == "a")
      #expect(exchange.isCancelled)
      exchange.respond(Response(status: 200))
    }
  }

  @Test(
    "A client that breaks off in the middle of its answer is forgotten",
    arguments: Transport.allCases)
  func abruptCloseWhileWriting(over transport: Transport) throws {
    try withServer(over: transport) {
      $0.connectionLimit = 1
      $0.reserveLimit = 0
    } _: { server in
      let client = try server.connect(receiveBufferByteCount: 4096)
      try client.send(request("GET", "/bytes?\(Self.largeByteCount)"))
      #expect(server.handler.nextRecord().status == 200)
      client.reset()
      #expect(try server.connect().exchange(request("POST", body: "a")).text == "a")
    }
  }

  @Test("Many slow clients leave the others alone", arguments: Transport.allCases)
  func slowClients(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let slow = try (0..<100).map { _ in try server.connect() }
      for client in slow { try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Len") }
      #expect(try server.connect().exchange(request("POST", body: "a")).text == "a")
      for client in slow { #expect(try client.exchange("gth: 1\r\n\r\nb").text == "b") }
    }
  }

  @Test(
    "A head or a body that does not come in time is answered with 408",
    arguments: ["GET / HTTP/1.1\r\nHo", request("POST", "/echo", "Content-Length: 2\r\n")],
    Transport.allCases)
  func readTimeouts(text: String, over transport: Transport) throws {
    try withServer(over: transport) {
      $0.limits.headerTimeout = .milliseconds(300)
      $0.limits.bodyTimeout = .milliseconds(300)
    } _: { server in
      let client = try server.connect()
      let answer = try client.exchange(text)
      #expect(answer.status == 408)
      #expect(answer.saysClose)
      #expect(try client.rest() == "")
    }
  }

  @Test(
    "An idle connection is closed without a word, before and after a request",
    arguments: Transport.allCases)
  func idleTimeout(over transport: Transport) throws {
    try withServer(over: transport) {
      $0.limits.headerTimeout = .milliseconds(300)
      $0.limits.idleTimeout = .milliseconds(300)
    } _: { server in
      let client = try server.connect()
      let silent = try server.connect()
      #expect(try client.exchange(request("POST", body: "a")).text == "a")
      #expect(try client.rest() == "")
      #expect(try silent.rest() == "")
    }
  }

  @Test("A client that does not read its answer is given up", arguments: Transport.allCases)
  func writeTimeout(over transport: Transport) throws {
    try withServer(over: transport) {
      $0.limits.writeTimeout = .milliseconds(300)
      $0.connectionLimit = 1
      $0.reserveLimit = 0
    } _: { server in
      let client = try server.connect(receiveBufferByteCount: 4096)
      try client.send(request("GET", "/bytes?\(Self.largeByteCount)"))
      // The first connection has the only place then, whatever came before.
      #expect(server.handler.nextRecord().status == 200)
      #expect(try server.connect().exchange(request("POST", body: "a")).text == "a")
      client.close()
    }
  }
}
