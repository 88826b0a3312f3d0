import HTTPCore
import HTTPServer
import Testing

/// Requests and answers over a real socket.
struct ExchangeTests {
  @Test(
    "A connection serves one request after the other", arguments: ["/echo", "/later"],
    Transport.allCases)
  func keepAlive(path: String, over transport: Transport) throws {
    try withServer(over: transport) { server in
      let client = try server.connect()
      for text in ["a", "bc", String(repeating: "d", count: 300_000)] {
        let answer = try client.exchange(request("POST", path, body: text))
        #expect(answer.status == 200)
        #expect(answer.text == text)
        #expect(!answer.saysClose)
        #expect(answer.head.contains("\r\nDate: "))
      }
    }
  }

  @Test("Pipelined requests are answered in their order", arguments: Transport.allCases)
  func pipelining(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let client = try server.connect()
      let texts = (0..<500).map { "text \($0)" }
      try client.send(
        texts.enumerated().map { index, text in
          request("POST", index % 3 == 0 ? "/later" : "/echo", body: text)
        }.joined())
      for text in texts { #expect(try client.answer().text == text) }
    }
  }

  @Test(
    "A client that sends far ahead of its answers is held back and served",
    arguments: Transport.allCases)
  func pipeliningBeyondLimit(over transport: Transport) throws {
    try withServer(over: transport) {
      $0.limits.pipelineByteLimit = 1000
    } _: { server in
      let client = try server.connect()
      try client.send(request("GET", "/hold"))
      let exchange = server.handler.nextHeld()
      let text = String(repeating: "x", count: 5000)
      for _ in 0..<20 { try client.send(request("POST", "/later", body: text)) }
      exchange.respond(Response(status: 204))
      #expect(try client.answer().status == 204)
      for _ in 0..<20 { #expect(try client.answer().text == text) }
    }
  }

  @Test(
    "A streamed body goes to its sink, which is released when the client breaks off",
    arguments: Transport.allCases)
  func streaming(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let client = try server.connect()
      let text = String(repeating: "0123456789", count: 30_000)
      for _ in 0..<2 {
        let answer = try client.exchange(request("PUT", "/stream", body: text))
        #expect(answer.status == 200)
        #expect(answer.text == text)
        #expect(server.handler.nextRecord().requestByteCount == text.utf8.count)
        #expect(server.handler.nextEnd() == text.utf8.count)
      }
      let leaving = try server.connect()
      try leaving.send("PUT /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
      leaving.finishSending()
      #expect(server.handler.nextEnd() == 3)
    }
  }

  @Test("A body may come in chunks, and its bytes one at a time", arguments: Transport.allCases)
  func chunks(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let client = try server.connect()
      for byte in request("POST", "/echo", "Transfer-Encoding: chunked\r\n").utf8 {
        try client.send(String(UnicodeScalar(byte)))
      }
      for portion in ["3\r\nab", "c\r", "\n1;x=y\r\nd\r\n0\r\nX: y\r\n", "\r\n"] {
        try client.send(portion)
      }
      #expect(try client.answer().text == "abcd")
    }
  }

  @Test(
    "100 Continue comes before the body and not instead of a refusal", arguments: Transport.allCases
  )
  func expectation(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let client = try server.connect()
      let expect = "Expect: 100-continue\r\nContent-Length: 2\r\n"
      try client.send(request("POST", "/echo", expect))
      #expect(try client.answer().status == 100)
      try client.send("ab")
      #expect(try client.answer().text == "ab")
      let refused = try client.exchange(request("POST", "/refuse", expect))
      #expect(refused.status == 404)
      #expect(refused.saysClose)
      #expect(try client.rest() == "")
    }
  }

  @Test("HEAD and a refusal keep the connection in step", arguments: Transport.allCases)
  func headAndRefusal(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let client = try server.connect()
      try client.send(request("HEAD", "/bytes?1000"))
      let head = try client.answer(toHead: true)
      #expect(head.head.contains("\r\nContent-Length: 1000\r\n"))
      #expect(try client.exchange(request("GET", "/refuse")).status == 404)
      #expect(try client.exchange(request("POST", body: "a")).text == "a")
    }
  }

  @Test(
    "A refused upload is answered while the client still sends, and the connection ends",
    arguments: [
      ("nonsense\r\n", 400), ("GET /\(String(repeating: "x", count: 9000))", 414),
      (request("POST", "/echo", "Content-Length: \(EchoHandler.bodyByteLimit + 1)\r\n"), 413),
    ], Transport.allCases)
  func failure(wrong: (text: String, status: Int), over transport: Transport) throws {
    let (text, status) = wrong
    try withServer(over: transport) { server in
      let client = try server.connect()
      try client.send(text)
      try client.send(String(repeating: "x", count: 200_000))
      let answer = try client.answer()
      #expect(answer.status == status)
      #expect(answer.saysClose)
      #expect(try client.rest() == "")
      let record = server.handler.nextRecord()
      #expect(record.status == status)
      #expect((record.head == nil) == (status != 413))
    }
  }

  @Test("An answer is recorded with what is known of its request", arguments: Transport.allCases)
  func record(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let client = try server.connect()
      _ = try client.exchange(request("POST", "/later?x", body: "abc"))
      let record = server.handler.nextRecord()
      #expect(record.head?.target.raw == "/later?x")
      #expect(record.status == 200)
      #expect(record.requestByteCount == 3)
      #expect(record.responseByteCount == 3)
      #expect(record.remoteAddress.hasPrefix("127.0.0.1:"))
      #expect(record.duration > .zero)
      #expect((record.readDuration ?? .seconds(-1)) >= .zero)
      #expect(server.handler.nextWritten().head?.target.raw == "/later?x")
      _ = try client.exchange(request("GET", "/refuse"))
      #expect(server.handler.nextRecord().readDuration == nil)
    }
  }

  @Test("Writing lasts until the client has taken all of an answer", arguments: Transport.allCases)
  func writing(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let client = try server.connect(receiveBufferByteCount: 4096)
      try client.send(request("GET", "/bytes?\(8 << 20)"))
      let answered = server.handler.nextRecord()
      let start = ContinuousClock.now
      let other = try server.connect()
      for _ in 0..<20 { _ = try other.exchange(request("POST", body: "a")) }
      let others = (0..<20).map { _ in server.handler.nextWritten() }
      #expect(others.allSatisfy { $0.head?.target.path == "/echo" })
      let pause = ContinuousClock.now - start
      #expect(try client.answer().body.count == answered.responseByteCount)
      let written = server.handler.nextWritten()
      #expect(written.head?.target.path == "/bytes" && written.duration >= pause)
    }
  }

  @Test(
    "Requests are in flight until they are answered or their client is gone",
    arguments: Transport.allCases)
  func inFlight(over transport: Transport) throws {
    try withServer(over: transport) {
      $0.connectionLimit = 1
      $0.reserveLimit = 0
    } _: { server in
      let client = try server.connect()
      try client.send(request("GET", "/hold"))
      let answered = server.handler.nextHeld()
      #expect(server.server.requestsInFlight == 1)
      answered.respond(Response(status: 204))
      _ = try client.answer()
      #expect(server.server.requestsInFlight == 0)
      try client.send(request("GET", "/hold"))
      let abandoned = server.handler.nextHeld()
      client.reset()
      // Served when the first connection has ended.
      let next = try server.connect()
      #expect(try next.exchange(request("POST", body: "a")).text == "a")
      #expect(server.server.requestsInFlight == 0)
      abandoned.respond(Response(status: 204))
    }
  }

  @Test(
    "The only place goes to the next connection, whenever the one before ends",
    arguments: Transport.allCases)
  func place(over transport: Transport) throws {
    try withServer(over: transport) {
      $0.connectionLimit = 1
      $0.reserveLimit = 0
    } _: { server in
      for _ in 0..<300 {
        let client = try server.connect()
        #expect(try client.exchange(request("POST", body: "a")).text == "a")
        client.reset()
      }
    }
  }

  @Test("An exchange that its handler forgets is answered with 500", arguments: Transport.allCases)
  func droppedExchange(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let client = try server.connect()
      #expect(try client.exchange(request("GET", "/drop")).status == 500)
      #expect(try client.exchange(request("POST", body: "a")).text == "a")
      try client.send(request("GET", "/hold"))
      do { _ = server.handler.nextHeld() }
      #expect(try client.answer().status == 500)
    }
  }

  @Test("A second answer to an exchange ends the process")
  func secondAnswer() async {
    await #expect(processExitsWith: .failure) {
      let exchange = Exchange(receivedAt: .now)
      exchange.respond(Response(status: 204))
      exchange.respond(Response(status: 204))
    }
  }

  @Test("Clients on several queues get their own answers", arguments: Transport.allCases)
  func manyClients(over transport: Transport) async throws {
    var configuration = ServerConfiguration()
    configuration.port = 0
    configuration.ioQueueCount = 3
    configuration.identity = try transport.identity()
    let server = try HTTPServer(configuration: configuration, handler: EchoHandler())
    server.start()
    defer { server.drain(within: .zero) }
    let port = server.port
    try await withThrowingTaskGroup(of: Void.self) { group in
      for client in 0..<8 {
        group.addTask {
          let connection = try Client(port: port, over: transport)
          for turn in 0..<40 {
            let text = "\(client) \(turn)"
            let path = turn % 2 == 0 ? "/later" : "/echo"
            #expect(try connection.exchange(request("POST", path, body: text)).text == text)
          }
        }
      }
      try await group.waitForAll()
    }
  }
}
