import HTTPCore
import Testing

/// A client that ends its side, and a server that drains.
struct ConnectionEndTests {
  @Test("A client that has finished sending gets its answers, the last with the end")
  func halfClose() {
    var connection = ConnectionUnderTest()
    #expect(connection.receive(get("/1") + get("/2")) == ["handle /1 "])
    #expect(connection.receiveEnd() == ["pause"])
    #expect(connection.respond() == ["write"])
    #expect(!connection.saysClose)
    #expect(connection.wrote(all: false) == [])
    #expect(connection.wrote() == ["handle /2 "])
    #expect(connection.respond() == ["write"])
    #expect(connection.saysClose)
    #expect(connection.wrote() == ["close"])
  }

  @Test("A client may finish sending while its answer is written")
  func halfCloseWhileWriting() {
    var connection = ConnectionUnderTest()
    _ = connection.receive(get())
    #expect(connection.respond() == ["write"])
    #expect(connection.receiveEnd() == ["pause"])
    #expect(connection.wrote(all: false) == [])
    #expect(connection.wrote() == ["close"])
  }

  @Test("A request that a finished client left incomplete is not handled")
  func halfCloseWithRemainder() {
    var connection = ConnectionUnderTest()
    _ = connection.receive(get() + "GET / HT")
    #expect(connection.receiveEnd() == ["pause"])
    #expect(connection.respond() == ["write"])
    #expect(connection.wrote() == ["close"])
  }

  @Test(
    "A client that ends without a whole request is closed",
    arguments: ["", "GET", "GET / HTTP/1.1\r\n", request("Content-Length: 2\r\n", body: "a")])
  func endBeforeRequest(text: String) {
    var connection = ConnectionUnderTest()
    _ = connection.receive(text)
    #expect(connection.receiveEnd() == ["close"])
  }

  @Test("Draining closes an idle connection")
  func drainIdle() {
    var connection = ConnectionUnderTest()
    #expect(connection.exchange() == [])
    #expect(connection.drain() == ["close"])
  }

  @Test("Draining leaves a new connection the rest of its first second")
  func drainNew() {
    var connection = ConnectionUnderTest()
    #expect(connection.wait(.seconds(0.4)) == [])
    #expect(connection.drain() == [])
    var answered = connection
    #expect(connection.wait(.seconds(0.5)) == [])
    #expect(connection.wait(.seconds(0.1)) == ["close"])
    #expect(answered.exchange() == ["shutdown", "resume"])
    #expect(answered.saysClose)
    var late = ConnectionUnderTest()
    #expect(late.wait(.seconds(1)) == [])
    #expect(late.drain() == ["close"])
  }

  @Test("Draining lets a request in progress be answered, with the end")
  func drainHandling() {
    var connection = ConnectionUnderTest()
    _ = connection.receive(get())
    #expect(connection.drain() == [])
    #expect(connection.respond() == ["write"])
    #expect(connection.saysClose)
    #expect(connection.wrote() == ["shutdown", "resume"])
  }

  @Test("Draining lets a request arrive that has begun to")
  func drainReading() {
    var connection = ConnectionUnderTest()
    _ = connection.receive("GET / HTTP")
    #expect(connection.drain() == [])
    #expect(connection.receive("/1.1\r\nHost: a\r\n\r\n") == ["handle / "])
    #expect(connection.respond() == ["write"])
    #expect(connection.saysClose)
  }

  @Test("Draining after an answer that promised more ends when it is written")
  func drainWriting() {
    var connection = ConnectionUnderTest()
    _ = connection.receive(get())
    #expect(connection.respond() == ["write"])
    #expect(connection.drain() == [])
    #expect(connection.wrote() == ["shutdown", "resume"])
  }

  @Test("Draining answers what was sent ahead before it ends")
  func drainPipelined() {
    var connection = ConnectionUnderTest()
    _ = connection.receive(get("/1") + get("/2") + get("/3"))
    _ = connection.respond()
    #expect(connection.drain() == [])
    #expect(connection.wrote() == ["handle /2 "])
    #expect(connection.respond() == ["write"])
    #expect(connection.saysClose)
    #expect(connection.wrote() == ["shutdown", "resume"])
  }
}
