import Glibc
import HTTPCore
import HTTPServer
import Synchronization
import Testing

/// Clients that get in when all places, descriptors or buffers are taken.
struct CrowdingTests {
  @Test("The longest idle connection makes room for a new one", arguments: [1, 3])
  func eviction(ioQueueCount: Int) throws {
    try withServer {
      $0.connectionLimit = 3
      $0.ioQueueCount = ioQueueCount
    } _: { server in
      let busy = try server.connect()
      try busy.send(request("GET", "/hold"))
      let exchange = server.handler.nextHeld()
      // The one that connected first was used last.
      let (newer, older) = try (server.connect(), server.connect())
      for client in [newer, older, older, newer] {
        #expect(try client.exchange(request("POST", body: "a")).text == "a")
      }
      #expect(try server.connect().exchange(request("POST", body: "b")).text == "b")
      if ioQueueCount == 1 {
        #expect(try older.rest() == "")
        #expect(try newer.exchange(request("POST", body: "c")).text == "c")
      }
      exchange.respond(Response(status: 204))
      #expect(try busy.answer().status == 204)
    }
  }

  @Test(
    "Where none is idle, the head that has been arriving for longest makes room",
    arguments: [1, 2])
  func slowHead(queues: Int) throws {
    try withServer {
      $0.ioQueueCount = queues
      $0.connectionLimit = 2
      $0.reserveLimit = 2
      $0.headPatience = .zero
      $0.limits.headerTimeout = .seconds(3600)
    } _: { server in
      let busy = try server.connect()
      try busy.send(request("GET", "/hold"))
      let exchange = server.handler.nextHeld()
      var slow = try server.connect()
      // A request before, so that the server has seen it.
      #expect(try slow.exchange(request("POST", body: "a")).text == "a")
      for _ in 0..<5 {
        try slow.send("GET / HT")
        while server.server.bufferedByteCount == 0 { sched_yield() }
        let next = try server.connect()
        #expect(try next.exchange(request("POST", body: "b")).text == "b")
        #expect(try slow.rest() == "")
        slow = next
      }
      exchange.respond(Response(status: 204))
      #expect(try busy.answer().status == 204)
    }
  }

  @Test("Where none is idle, essential requests are served and others told to come back")
  func reserve() throws {
    try withServer {
      $0.connectionLimit = 1
      $0.reserveLimit = 2
      $0.reserveTimeout = .seconds(3600)
      $0.limits.headerTimeout = .seconds(3600)
    } _: { server in
      let busy = try server.connect()
      try busy.send(request("GET", "/hold"))
      let exchange = server.handler.nextHeld()
      for _ in 0..<5 {
        let refused = try server.connect()
        let answer = try refused.exchange(request("POST", body: "a"))
        #expect(answer.status == 503 && answer.saysClose)
        #expect(answer.head.contains("Retry-After: 1\r\n"))
        #expect(try refused.rest() == "")
        let served = try server.connect()
        let probe = try served.exchange(request("GET", "/essential"))
        #expect(probe.status == 200 && probe.saysClose)
        #expect(try served.rest() == "")
      }
      exchange.respond(Response(status: 204))
      #expect(try busy.answer().status == 204)
    }
  }

  @Test("Silent connections do not keep a probe out of the reserve")
  func silentReserve() throws {
    try withServer {
      $0.connectionLimit = 1
      $0.reserveLimit = 2
      $0.reserveTimeout = .seconds(3600)
      $0.limits.headerTimeout = .seconds(3600)
    } _: { server in
      let busy = try server.connect()
      try busy.send(request("GET", "/hold"))
      let exchange = server.handler.nextHeld()
      let silent = try (0..<2).map { _ in try server.connect() }
      try silent[1].send("GET / HT")
      #expect(try server.connect().exchange(request("GET", "/essential")).status == 200)
      #expect(try silent[0].rest() == "")
      exchange.respond(Response(status: 204))
    }
  }

  @Test("Without a reserve, connections wait until one is idle or gone")
  func waiting() throws {
    // Whatever comes first: the answer, or the search for a connection that may go.
    for round in 0..<100 { try waitForOne(looks: round == 0) }
  }

  private func waitForOne(looks: Bool) throws {
    try withServer {
      $0.connectionLimit = 2
      $0.reserveLimit = 0
    } _: { server in
      let clients = try [server.connect(), server.connect()]
      for client in clients { try client.send(request("GET", "/hold")) }
      let exchanges = clients.map { _ in server.handler.nextHeld() }
      let waiting = try server.connect()
      try waiting.send(request("POST", body: "b"))
      if looks { #expect(!waiting.hasReceived) }
      exchanges[0].respond(Response(status: 204))
      #expect(try waiting.answer().text == "b")
      exchanges[1].respond(Response(status: 204))
    }
  }

  @Test("Without descriptors an idle connection makes room, and accepting does not spin")
  func exhaustion() throws {
    let isExhausted = Mutex(false)
    let tryCount = Mutex(0)
    var configuration = ServerConfiguration()
    configuration.port = 0
    let handler = EchoHandler()
    let server = try HTTPServer(configuration: configuration, handler: handler) { listener in
      tryCount.withLock { $0 += 1 }
      return isExhausted.withLock { $0 } ? .exhausted : HTTPServer.accept(listener)
    }
    server.start()
    defer { server.drain(within: .zero) }
    let (idle, busy) = try (Client(port: server.port), Client(port: server.port))
    #expect(try idle.exchange(request("POST", body: "a")).text == "a")
    try busy.send(request("GET", "/hold"))
    let exchange = handler.nextHeld()
    isExhausted.withLock { $0 = true }
    tryCount.withLock { $0 = 0 }
    let next = try Client(port: server.port)
    try next.send(request("POST", body: "b"))
    #expect(try idle.rest() == "")
    isExhausted.withLock { $0 = false }
    #expect(try next.answer().text == "b")
    exchange.respond(Response(status: 204))
    #expect(try busy.answer().status == 204)
    // Once per closed connection and pause, not once per event of the listening socket.
    #expect(tryCount.withLock { $0 } < 1000)
  }

  // MARK: Buffers

  private static let bufferByteLimit = 1 << 20

  @Test(
    "Unfinished heads are buffered up to one limit for all clients; whole requests are still served"
  )
  func heads() throws {
    try withServer {
      $0.bufferByteLimit = Self.bufferByteLimit
    } _: { server in
      let other = try server.connect()
      var slow: [Client] = []
      while slow.last?.hasReceived != true, slow.count < 200 {
        let client = try server.connect()
        try client.send(
          "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 20_000))")
        slow.append(client)
        #expect(try other.exchange(request("POST", body: "a")).text == "a")
        #expect(server.server.bufferedByteCount <= Self.bufferByteLimit + 64 * 1024)
      }
      #expect(slow.count > 20 && slow.count < 200)
      let answer = try #require(try slow.last?.answer())
      #expect(answer.status == 503 && answer.saysClose)
      #expect(answer.head.contains("Retry-After: 1\r\n"))
      #expect(server.server.bufferedByteCount > Self.bufferByteLimit / 2)
      server.server.drain(within: .zero)
      #expect(server.server.bufferedByteCount == 0)
    }
  }

  @Test("An answer that is not read and does not fit closes its connection")
  func unreadAnswer() throws {
    try withServer {
      $0.bufferByteLimit = Self.bufferByteLimit
    } _: { server in
      let client = try server.connect(receiveBufferByteCount: 4096)
      try client.send(request("GET", "/bytes?\(8 << 20)"))
      #expect(server.handler.nextRecord().status == 200)
      // Answered on the same queue, hence after the answer had its turn.
      #expect(try server.connect().exchange(request("POST", body: "a")).text == "a")
      #expect(server.server.bufferedByteCount < Self.bufferByteLimit)
      client.close()
    }
  }

  @Test("Idle connections hold nothing, whatever they have sent and received")
  func idleConnections() throws {
    try withServer { server in
      let client = try server.connect()
      let text = String(repeating: "x", count: 100_000)
      for _ in 0..<3 {
        #expect(try client.exchange(request("POST", "/later", body: text)).text == text)
      }
      // Another one's answer comes after the first has been idle.
      #expect(try server.connect().exchange(request("POST", body: "a")).text == "a")
      server.server.drain(within: .zero)
      #expect(server.server.bufferedByteCount == 0)
    }
  }
}
