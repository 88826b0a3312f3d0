import HTTPCore
import Testing

/// Ends of every wait for a client.
struct ConnectionTimeoutTests {
  private static var limits: ConnectionLimits {
    var limits = ConnectionLimits()
    limits.headerTimeout = .seconds(10)
    limits.bodyTimeout = .seconds(20)
    limits.bodyProgressByteCount = 10
    limits.idleTimeout = .seconds(60)
    limits.writeTimeout = .seconds(30)
    limits.lingerTimeout = .seconds(2)
    return limits
  }

  private var connection = ConnectionUnderTest(limits)

  @Test("A client that sends nothing is closed without a word")
  mutating func silence() {
    #expect(connection.wait(.seconds(9.9)) == [])
    #expect(connection.wait(.seconds(0.1)) == ["close"])
  }

  @Test("A head has its time from its first byte, however it trickles")
  mutating func head() {
    _ = connection.wait(.seconds(5))
    #expect(connection.receive("G") == [])
    for _ in 0..<9 {
      #expect(connection.wait(.seconds(1)) == [])
      #expect(connection.receive("E") == [])
    }
    #expect(connection.wait(.seconds(1)) == ["failed 408", "write"])
    #expect(connection.saysClose)
    #expect(connection.wrote() == ["shutdown", "resume"])
  }

  @Test("Once the server drains, the rest of a head has a second")
  mutating func headInDrain() {
    #expect(connection.receive("GET / HT") == [])
    #expect(connection.drain() == [])
    #expect(connection.wait(.seconds(0.9)) == [])
    #expect(connection.wait(.seconds(0.1)) == ["failed 408", "write"])
  }

  @Test("A head sent ahead has its time from its turn")
  mutating func pipelinedHead() {
    _ = connection.receive(get() + "GET")
    #expect(connection.wait(.seconds(100)) == [])
    _ = connection.respond()
    #expect(connection.wrote() == [])
    #expect(connection.wait(.seconds(9)) == [])
    #expect(connection.receive(" / HTTP") == [])
    #expect(connection.wait(.seconds(1)) == ["failed 408", "write"])
  }

  @Test("A body must make progress")
  mutating func body() {
    var limits = Self.limits
    limits.requestTimeout = .seconds(1000)
    connection = ConnectionUnderTest(limits)
    #expect(connection.receive(request("Content-Length: 100\r\n")) == [])
    for _ in 0..<3 {
      #expect(connection.wait(.seconds(19)) == [])
      #expect(connection.receive("0123456789") == [])
      #expect(connection.wait(.seconds(1)) == [])
    }
    #expect(connection.receive("012345678") == [])
    #expect(connection.wait(.seconds(20)) == ["failed 408", "write"])
  }

  @Test("A whole request has its time from its first byte, whatever progress it makes")
  mutating func wholeRequest() {
    _ = connection.receive("POST / HTTP/1.1\r\n")
    _ = connection.wait(.seconds(5))
    _ = connection.receive("Host: a\r\nContent-Length: 1000\r\n\r\n")
    for _ in 0..<24 {
      #expect(connection.wait(.seconds(1)) == [])
      #expect(connection.receive("0123456789") == [])
    }
    #expect(connection.wait(.milliseconds(999)) == [])
    #expect(connection.wait(.milliseconds(1)) == ["failed 408", "write"])
    #expect(connection.saysClose)
  }

  @Test(
    "A client's own deadline is answered by its route, from the first byte, where it is earlier")
  mutating func ownDeadline() {
    connection.decision = .accept(
      bodyByteLimit: 1000,
      deadline: BodyDeadline(after: .milliseconds(700), response: Response(status: 504)))
    _ = connection.receive("POST / HTTP/1.1\r\n")
    _ = connection.wait(.milliseconds(300))
    _ = connection.receive("Host: a\r\nContent-Length: 10\r\n\r\nabc")
    #expect(connection.wait(.milliseconds(399)) == [])
    #expect(connection.machine.deadline == connection.now + .milliseconds(1))
    #expect(connection.wait(.milliseconds(1)) == ["failed 504", "write"])
    #expect(connection.saysClose)
  }

  @Test("A later deadline than the connection's changes nothing, and a body in time keeps it")
  mutating func lateOwnDeadline() {
    connection.decision = .accept(
      bodyByteLimit: 1000,
      deadline: BodyDeadline(after: .seconds(3000), response: Response(status: 504)))
    _ = connection.receive(request("Content-Length: 2\r\n", body: "a"))
    _ = connection.wait(.seconds(1))
    #expect(connection.receive("b") == ["handle / ab"])
    #expect(connection.machine.deadline == nil)
    _ = connection.respond()
    _ = connection.wrote()
    _ = connection.receive(request("Content-Length: 2\r\n", body: "a"))
    #expect(connection.wait(.seconds(30)) == ["failed 408", "write"])
  }

  @Test("Chunks count as progress by what they bring, a byte in time or not")
  mutating func chunkedBody() {
    #expect(connection.receive(request("Transfer-Encoding: chunked\r\n")) == [])
    #expect(connection.receive("1\r\na\r\n") == [])
    #expect(connection.wait(.seconds(20)) == ["failed 408", "write"])
  }

  @Test("Handling has no limit here, and an answer in progress only its own")
  mutating func handling() {
    _ = connection.receive(get())
    #expect(connection.machine.deadline == nil)
    #expect(connection.wait(.seconds(1000)) == [])
    #expect(connection.respond() == ["write"])
    for _ in 0..<3 {
      #expect(connection.wait(.seconds(29)) == [])
      #expect(connection.wrote(all: false) == [])
    }
    #expect(connection.wait(.seconds(30)) == ["close"])
  }

  @Test("An idle connection is closed without a word")
  mutating func idle() {
    #expect(connection.exchange() == [])
    #expect(connection.wait(.seconds(59)) == [])
    #expect(connection.wait(.seconds(1)) == ["close"])
    #expect(connection.failures == [])
  }

  @Test("A client that keeps sending after its last answer is closed")
  mutating func lingering() {
    #expect(connection.exchange(get("/", "Connection: close\r\n")) == ["shutdown", "resume"])
    #expect(connection.wait(.seconds(1)) == [])
    #expect(connection.receive("more") == [])
    #expect(connection.wait(.seconds(1)) == ["close"])
  }

  @Test("Reading lasts from the end of the head to the end of the body")
  func readDuration() {
    var connection = ConnectionUnderTest()
    _ = connection.receive("POST / HTTP/1.1\r\nHost: a\r\n")
    _ = connection.wait(.seconds(1))
    _ = connection.receive("Content-Length: 3\r\n\r\na")
    _ = connection.wait(.seconds(2))
    _ = connection.receive("b")
    _ = connection.wait(.seconds(4))
    _ = connection.receive("c")
    #expect(connection.readDurations == [.seconds(6)])
    _ = connection.wait(.seconds(8))
    _ = connection.respond()
    _ = connection.wrote()
    _ = connection.receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na")
    #expect(connection.readDurations == [.seconds(6), .zero])
  }
}
