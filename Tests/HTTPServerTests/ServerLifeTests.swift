import Dispatch
import Foundation
import HTTPCore
import HTTPServer
import Synchronization
import Testing

/// Listening and draining.
struct ServerLifeTests {
  @Test(
    "Draining closes what is idle, answers what is in progress and then returns",
    arguments: Transport.allCases)
  func drain(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let (idle, used, busy) = try (server.connect(), server.connect(), server.connect())
      #expect(try used.exchange(request("POST", body: "a")).text == "a")
      try busy.send(request("GET", "/hold"))
      let exchange = server.handler.nextHeld()
      let remaining = Events<Int>()
      DispatchQueue(label: "resnetd.tests.drain").async {
        remaining.add(server.server.drain(within: .seconds(60)))
      }
      #expect(try idle.rest() == "")
      #expect(try used.rest() == "")
      exchange.respond(Response(status: 200, body: [65]))
      let answer = try busy.answer()
      #expect(answer.text == "A")
      #expect(answer.saysClose)
      #expect(try busy.rest() == "")
      busy.close()
      #expect(remaining.next() == 0)
    }
  }

  @Test("Draining ends in time whatever is in progress", arguments: Transport.allCases)
  func drainLimit(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let client = try server.connect()
      try client.send(request("GET", "/hold"))
      let exchange = server.handler.nextHeld()
      #expect(server.server.drain(within: .milliseconds(100)) == 1)
      #expect(exchange.isCancelled)
      #expect(try client.rest() == "")
      #expect(server.server.drain(within: .seconds(60)) == 0)
    }
  }

  @Test("A request that has arrived is in progress for draining", arguments: Transport.allCases)
  func drainUnread(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let client = try server.connect()
      #expect(try client.exchange(request("POST", body: "a")).text == "a")
      try client.send(request("GET", "/hold"))
      server.handler.nextHeld().respond(Response(status: 204))
      try client.send(request("POST", body: "b"))
      #expect(server.server.drain(within: .seconds(60)) == 0)
      #expect(try client.answer().status == 204)
      #expect(try client.answer().text == "b")
    }
  }

  @Test("During the drain connecting is refused", arguments: Transport.allCases)
  func drainRefuses(over transport: Transport) throws {
    try withServer(over: transport) { server in
      let busy = try server.connect()
      try busy.send(request("GET", "/hold"))
      let exchange = server.handler.nextHeld()
      let remaining = Events<Int>()
      DispatchQueue(label: "resnetd.tests.drain").async {
        remaining.add(server.server.drain(within: .seconds(60)))
      }
      // The first connection that is refused shows that nobody listens.
      var isRefused = false
      while !isRefused {
        do throws(Client.Failure) {
          _ = try Client(port: server.server.port, over: transport)
        } catch {
          isRefused = error == .system("connect", ECONNREFUSED)
        }
      }
      #expect(server.server.requestsInFlight == 1)
      exchange.respond(Response(status: 204))
      #expect(try busy.answer().status == 204)
      busy.close()
      #expect(remaining.next() == 0)
    }
  }

  @Test("A connection that waits in the backlog is served by a drain")
  func drainServesBacklog() throws {
    var configuration = ServerConfiguration()
    configuration.port = 0
    let server = try HTTPServer(configuration: configuration, handler: EchoHandler())
    // Nothing is accepted before the start, and hardly anything before the drain.
    let client = try Client(port: server.port)
    try client.send(request("POST", body: "a"))
    server.start()
    #expect(server.drain(within: .seconds(60)) == 0)
    let answer = try client.answer()
    #expect(answer.text == "a")
  }

  @Test("A Unix socket's file is gone after the drain, and its listener closed")
  func drainUnixSocket() throws {
    var configuration = ServerConfiguration()
    configuration.socketPath = "/tmp/resnetd-test-\(getpid())-\(UInt32.random(in: .min ... .max))"
    let path = try #require(configuration.socketPath)
    let server = try HTTPServer(configuration: configuration, handler: EchoHandler())
    server.start()
    #expect(unsafe access(path, F_OK) == 0)
    #expect(server.drain(within: .seconds(60)) == 0)
    #expect(unsafe access(path, F_OK) != 0)
  }

  @Test("A closure that event loops share is called a million times on a small stack")
  func closedCalls() throws {
    let count = Events<Int>()
    let closed = ConnectionClosed()
    let calls = Mutex(0)
    closed.set { _, _ in calls.withLock { $0 += 1 } }
    let peer = Peer(text: "-")
    let thread = Thread {
      for _ in 0..<1_000_000 { closed.call(peer, .ordinary) }
      count.add(calls.withLock { $0 })
    }
    thread.stackSize = 128 * 1024
    thread.start()
    #expect(count.next() == 1_000_000)
  }

  @Test("A port in use is named")
  func addressInUse() throws {
    try withServer { server in
      var configuration = ServerConfiguration()
      configuration.port = server.server.port
      #expect(throws: ServerError.addressInUse(host: "127.0.0.1", port: server.server.port)) {
        try HTTPServer(configuration: configuration, handler: EchoHandler())
      }
    }
  }

  @Test("A host that cannot be resolved is named")
  func unresolvable() {
    var configuration = ServerConfiguration()
    // Longer than a label may be, so that nobody is asked for it.
    let host = String(repeating: "x", count: 70)
    configuration.host = host
    #expect {
      try HTTPServer(configuration: configuration, handler: EchoHandler())
    } throws: { error in
      if case ServerError.unresolvable(host, _) = error { true } else { false }
    }
  }

  @Test("A server that was never started can be released")
  func neverStarted() throws {
    var configuration = ServerConfiguration()
    configuration.port = 0
    let port = try HTTPServer(configuration: configuration, handler: EchoHandler()).port
    #expect(port > 0)
  }

  @Test("IPv6 addresses are listened on")
  func ipv6() throws {
    var configuration = ServerConfiguration()
    configuration.host = "::1"
    configuration.port = 0
    do throws(ServerError) {
      #expect(try HTTPServer(configuration: configuration, handler: EchoHandler()).port > 0)
    } catch .system {
      // Not every machine has it.
    } catch {
      Issue.record(error)
    }
  }
}
