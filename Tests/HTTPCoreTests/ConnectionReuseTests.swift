import HTTPCore
import Testing

/// Requests one after the other on a connection (RFC 9112, section 9.3).
struct ConnectionReuseTests {
  @Test("A connection stays for the next request")
  func keepAlive() {
    var connection = ConnectionUnderTest()
    #expect(connection.receive(get("/1")) == ["handle /1 "])
    #expect(connection.respond() == ["write"])
    #expect(connection.wrote() == [])
    #expect(!connection.saysClose)
    #expect(connection.receive(request("Content-Length: 2\r\n", body: "ab")) == ["handle / ab"])
    #expect(connection.respond() == ["write"])
    #expect(connection.wrote(all: false) == [])
    #expect(connection.wrote() == [])
    #expect(!connection.saysClose)
    #expect(!connection.machine.isActive)
  }

  @Test("Pipelined requests are handled in turn, each when the answer before it is written")
  func pipelining() {
    var limits = ConnectionLimits()
    limits.turnRequestLimit = 10
    var connection = ConnectionUnderTest(limits)
    #expect(connection.receive(get("/1") + get("/2") + get("/3")) == ["handle /1 "])
    #expect(connection.respond() == ["write"])
    #expect(connection.wrote(all: false) == [])
    #expect(connection.wrote() == ["handle /2 "])
    #expect(connection.respond() == ["write"])
    #expect(connection.wrote() == ["handle /3 "])
    #expect(connection.respond() == ["write"])
    #expect(connection.wrote() == [])
  }

  @Test("A client that sends ahead is not read beyond the limit until its turn comes")
  func pipeliningLimit() {
    var limits = ConnectionLimits()
    limits.pipelineByteLimit = 100
    limits.turnRequestLimit = 10
    var connection = ConnectionUnderTest(limits)
    #expect(connection.receive(get("/1")) == ["handle /1 "])
    #expect(connection.receive(String(repeating: get("/2"), count: 3)) == [])
    #expect(connection.receive(String(repeating: get("/2"), count: 3)) == ["pause"])
    #expect(connection.receive(get("/2")) == [])
    // 28 bytes each: 168, 140 and 112 are still too many.
    for _ in 0..<3 {
      #expect(connection.respond() == ["write"])
      #expect(connection.wrote() == ["handle /2 "])
    }
    #expect(connection.respond() == ["write"])
    #expect(connection.wrote() == ["handle /2 ", "resume"])
  }

  @Test(
    "The client says whether the connection stays",
    arguments: [
      ("", "1.1", true), ("Connection: keep-alive\r\n", "1.1", true),
      ("Connection: close\r\n", "1.1", false), ("Connection: TE, Close\r\n", "1.1", false),
      ("Connection: keep-alive\r\nConnection: close\r\n", "1.1", false), ("", "1.0", false),
      ("Connection: Keep-Alive\r\n", "1.0", true),
      ("Connection: keep-alive, close\r\n", "1.0", false),
    ])
  func connectionField(lines: String, version: String, stays: Bool) {
    var connection = ConnectionUnderTest()
    #expect(
      connection.exchange(get("/", lines, version: version))
        == (stays ? [] : ["shutdown", "resume"]))
    #expect(connection.saysClose == !stays)
    #expect(
      connection.output.contains("Connection: keep-alive\r\n") == (stays && version == "1.0"))
  }

  @Test("The last request of a connection is answered with its end")
  func countLimit() {
    var limits = ConnectionLimits()
    limits.requestCountLimit = 2
    var connection = ConnectionUnderTest(limits)
    #expect(connection.exchange() == [])
    #expect(connection.exchange(get() + get()) == ["shutdown", "resume"])
    #expect(connection.saysClose)
  }

  @Test("Empty lines after a request do not begin another")
  func emptyLine() {
    var connection = ConnectionUnderTest()
    #expect(connection.exchange(get() + "\r\n") == [])
    #expect(!connection.machine.isActive)
    #expect(connection.exchange() == [])
  }

  @Test("HEAD gets no body, also when it is refused or fails")
  func head() {
    var connection = ConnectionUnderTest()
    _ = connection.receive(request("", method: "HEAD"))
    _ = connection.respond("hello")
    #expect(connection.output.hasSuffix("Content-Length: 5\r\n\r\n"))
    _ = connection.wrote()
    #expect(
      connection.receive(request("Content-Length: 1001\r\n", method: "HEAD"))
        == ["failed 413", "write"])
    #expect(connection.output.hasSuffix("\r\n\r\n"))
  }

  @Test("An answer may end the connection")
  func closingAnswer() {
    var connection = ConnectionUnderTest()
    #expect(connection.receive(get("/1") + get("/2")) == ["handle /1 "])
    #expect(connection.respond(closing: true) == ["write"])
    #expect(connection.saysClose)
    #expect(connection.wrote() == ["shutdown", "resume"])
  }

  @Test(
    "HEAD gets no body wherever its reading fails",
    arguments: [
      "HEAD /%zz HTTP/1.1\r\n", "HEAD / HTTP/9.9\r\n", "HEAD / HTTP/1.1\n",
      "HEAD /\(String(repeating: "x", count: 9000))", "HEAD / HTTP/1.1\r\n\r\n",
      "HEAD / HTTP/1.1\r\nHost: a\r\nX : y\r\n", "HEAD / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
      "\r\nHEAD / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n",
      "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ])
  func failedHead(text: String) {
    for bytes in [[text], text.utf8.map { String(UnicodeScalar($0)) }] {
      var connection = ConnectionUnderTest()
      _ = connection.exchange()
      for part in bytes { _ = connection.receive(part) }
      #expect(connection.failures.count == 1)
      #expect(connection.output.hasSuffix("\r\n\r\n"))
    }
  }

  @Test("HEAD that stalls gets no body, and another method does")
  func stalledHead() {
    for (text, isHead) in [("HEAD / HT", true), ("HEAD", false), ("GET / HTTP/1.1\r\nX", false)] {
      var connection = ConnectionUnderTest()
      _ = connection.receive(text)
      #expect(connection.wait(.seconds(60)) == ["failed 408", "write"])
      #expect(connection.output.hasSuffix("\r\n\r\n") == isHead)
    }
  }

  @Test("After its last answer a connection reads on until the client closes")
  func lingering() {
    var connection = ConnectionUnderTest()
    #expect(connection.exchange(get("/", "Connection: close\r\n")) == ["shutdown", "resume"])
    #expect(connection.receive(get()) == [])
    #expect(connection.receiveEnd() == ["close"])
    #expect(connection.machine.isClosed)
    #expect(connection.receive(get()) == [])
  }
}
