import HTTPCore
import HTTPServer
import Testing

/// Limits of one client.
struct ClientLimitTests {
  private static func address(_ text: String) throws -> NetworkAddress {
    try #require(NetworkAddress(text))
  }

  @Test(
    "A client is the rightmost address that is not a trusted proxy's",
    arguments: [
      ("9.9.9.9", ["1.1.1.1"], "9.9.9.9"), ("10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
      ("10.0.0.1", ["1.1.1.1, 2.2.2.2"], "2.2.2.2"), ("10.0.0.1", [], "10.0.0.1"),
      ("10.0.0.1", ["1.1.1.1, 2.2.2.2 , 10.0.0.2"], "2.2.2.2"),
      ("10.0.0.1", ["1.1.1.1", "10.0.0.2, 10.0.0.3"], "1.1.1.1"),
      ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"), ("10.0.0.1", ["1.1.1.1, nonsense"], "10.0.0.1"),
      ("10.0.0.1", ["1.1.1.1, nonsense, 10.0.0.2"], "10.0.0.2"),
      ("10.0.0.1", ["1.1.1.1:81"], "1.1.1.1"), ("10.0.0.1", ["[2001:db8::1]:81"], "2001:db8::"),
      ("10.0.0.1", ["2001:db8::1:2:3:4"], "2001:db8::"),
      ("::ffff:10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
    ])
  func forwarded(peer: String, fields: [String], client: String) throws {
    var limits = ClientLimits()
    limits.trustedProxies = [try #require(NetworkPrefix("10.0.0.0/8"))]
    let head = HeaderFields(fields.map { ("X-Forwarded-For", $0) })
    #expect(limits.client(of: try Self.address(peer), head) == (try Self.address(client)))
  }

  @Test("Requests beyond the rate wait for their time, however long the client was quiet")
  func rate() throws {
    var limits = ClientLimits()
    limits.requestRate = 4
    let table = ClientTable(limits)
    let client = try Self.address("1.1.1.1")
    var now = ContinuousClock.Instant.now
    for _ in 0..<3 {
      for _ in 0..<4 { #expect(table.delay(of: client, now: now) == nil) }
      #expect(table.delay(of: client, now: now) == .milliseconds(250))
      #expect(table.delay(of: try Self.address("2.2.2.2"), now: now) == nil)
      now += .milliseconds(250)
      #expect(table.delay(of: client, now: now) == nil)
      #expect(table.delay(of: client, now: now) != nil)
      now += .seconds(100)
    }
  }

  @Test(
    "Connections are counted; the table forgets clients that have none, the longest unseen first"
  )
  func table() throws {
    var limits = ClientLimits()
    limits.connectionLimit = 2
    limits.requestRate = 1
    limits.tableLimit = 3
    let table = ClientTable(limits)
    let clients = try (1...5).map { try Self.address("1.1.1.\($0)") }
    let now = ContinuousClock.Instant.now
    #expect(table.enter(clients[0]) && table.enter(clients[0]) && !table.enter(clients[0]))
    for client in clients { #expect(table.delay(of: client, now: now) == nil) }
    #expect(table.count == 3)
    // The last two are remembered, and the one with connections; the one before them is not.
    for index in [4, 3, 0] { #expect(table.delay(of: clients[index], now: now) != nil) }
    #expect(table.delay(of: clients[1], now: now) == nil)
    #expect(!table.enter(clients[0]))
    table.leave(clients[0])
    #expect(table.enter(clients[0]))
    // Where all rows have connections a further client is not counted.
    for client in clients[1...2] { #expect(table.enter(client)) }
    for _ in 0..<3 { #expect(table.enter(clients[3])) }
    #expect(table.count == 3)
  }

  @Test("A client's connections beyond its limit are refused, except for essential requests")
  func connections() throws {
    try withServer {
      $0.clients.connectionLimit = 1
    } _: { server in
      let first = try server.connect()
      #expect(try first.exchange(request("POST", body: "a")).text == "a")
      let refused = try server.connect().exchange(request("POST", body: "a"))
      #expect(refused.status == 429 && refused.saysClose)
      #expect(refused.head.contains("Retry-After: "))
      #expect(try server.connect().exchange(request("GET", "/essential")).status == 200)
      #expect(try first.exchange(request("POST", body: "b")).text == "b")
    }
  }

  @Test(
    "Requests beyond a client's rate are refused, except essential ones, and the connection stays")
  func requests() throws {
    try withServer {
      $0.clients.requestRate = 1
    } _: { server in
      let client = try server.connect()
      try client.send(String(repeating: request("GET", "/echo"), count: 60))
      let answers = try (0..<60).map { _ in try client.answer() }
      #expect(answers[0].status == 200)
      let refused = try #require(answers.first { $0.status == 429 })
      #expect(refused.head.contains("Retry-After: 1\r\n") && !refused.saysClose)
      for _ in 0..<60 { #expect(try client.exchange(request("GET", "/essential")).status == 200) }
    }
  }

  @Test("Clients that a trusted proxy names are limited, each for itself")
  func proxied() throws {
    try withServer {
      $0.clients.connectionLimit = 1
      $0.clients.trustedProxies = [NetworkPrefix("127.0.0.0/8")].compactMap(\.self)
    } _: { server in
      let connections = try (0..<3).map { _ in try server.connect() }
      try connections[0].send(request("GET", "/hold", "X-Forwarded-For: 1.1.1.1\r\n"))
      let exchange = server.handler.nextHeld()
      let same = request("POST", "/echo", "X-Forwarded-For: 1.1.1.1\r\n", body: "a")
      let other = request("POST", "/echo", "X-Forwarded-For: 2.2.2.2\r\n", body: "a")
      #expect(try connections[1].exchange(same).status == 429)
      #expect(try connections[2].exchange(other).text == "a")
      exchange.respond(Response(status: 204))
      #expect(try connections[0].answer().status == 204)
      #expect(try connections[2].exchange(same).text == "a")
      #expect(try connections[2].exchange(same).text == "a")
    }
  }
}
