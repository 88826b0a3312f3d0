import HTTPCore
import Testing

/// Turns of one connection among others.
struct ConnectionTurnTests {
  private static func connection(requests: Int = 4, lines: Int = 512) -> ConnectionUnderTest {
    var limits = ConnectionLimits()
    limits.turnRequestLimit = requests
    limits.turnLineLimit = lines
    return ConnectionUnderTest(limits)
  }

  @Test("A connection yields after a few pipelined requests and goes on where it was")
  func requests() {
    var connection = Self.connection(requests: 2)
    #expect(connection.receive(String(repeating: get(), count: 5)) == ["handle / "])
    for _ in 0..<2 {
      _ = connection.respond()
      #expect(connection.wrote() == ["handle / "])
      _ = connection.respond()
      #expect(connection.wrote() == ["yield"])
      #expect(connection.machine.isActive && !connection.machine.isIdle)
      #expect(connection.proceed() == ["handle / "])
    }
    _ = connection.respond()
    #expect(connection.wrote() == [])
    #expect(connection.machine.isIdle)
    #expect(connection.proceed() == [])
  }

  @Test(
    "A new turn begins with what arrives, so that a client that waits for its answers never yields")
  func patientClient() {
    var connection = Self.connection(requests: 1)
    for _ in 0..<3 { #expect(connection.exchange() == []) }
  }

  @Test("What arrives or ends while others have their turn is kept")
  func whileYielding() {
    var connection = Self.connection(requests: 1)
    #expect(connection.exchange(get("/1") + get("/2")) == ["yield"])
    #expect(connection.receive(get("/3")) == [])
    #expect(connection.receiveEnd() == ["pause"])
    #expect(connection.drain() == [])
    #expect(connection.proceed() == ["handle /2 "])
    _ = connection.respond()
    #expect(connection.saysClose)
    #expect(connection.wrote() == ["close"])
  }

  @Test("A half-closed client that has yielded gets all its answers")
  func halfClosed() {
    var connection = Self.connection(requests: 1)
    #expect(connection.exchange(get("/1") + get("/2") + get("/3")) == ["yield"])
    #expect(connection.receiveEnd() == ["pause"])
    #expect(connection.proceed() == ["handle /2 "])
    _ = connection.respond()
    #expect(connection.wrote() == ["yield"])
    #expect(connection.proceed() == ["handle /3 "])
    _ = connection.respond()
    #expect(connection.saysClose)
    #expect(connection.wrote() == ["close"])
  }

  @Test("A body of tiny chunks is read some at a time", arguments: [1, 3, 7])
  func chunks(lineLimit: Int) {
    var connection = Self.connection(lines: lineLimit)
    let body = String(repeating: "1\r\na\r\n", count: 20) + "0\r\n\r\n"
    var wanted = connection.receive(request("Transfer-Encoding: chunked\r\n", body: body))
    var turnCount = 1
    while wanted == ["yield"] {
      wanted = connection.proceed()
      turnCount += 1
    }
    #expect(wanted == ["handle / " + String(repeating: "a", count: 20)])
    #expect(turnCount == (21 + lineLimit - 1) / lineLimit)
  }
}
