import HTTPCore
import Testing

/// Decisions made when a head is complete: the route, `Expect` and limits (RFC 9110, section
/// 10.1.1).
struct ConnectionHeadTests {
  private static let expecting = "Expect: 100-continue\r\nContent-Length: 2\r\n"
  private static let interim = "HTTP/1.1 100 Continue\r\n\r\n"

  private var connection = ConnectionUnderTest()

  @Test("A client that waits for 100 Continue gets it once its route takes the body")
  mutating func expectation() {
    #expect(connection.receive(request(Self.expecting)) == ["write"])
    #expect(connection.output == Self.interim)
    #expect(connection.wrote() == [])
    #expect(connection.receive("ab") == ["handle / ab"])
    #expect(connection.respond() == ["write"])
    #expect(connection.wrote() == [])
    #expect(!connection.saysClose)
  }

  @Test(
    "100 Continue is not said where nobody waits for it",
    arguments: [
      request(expecting, body: "a"), request("Expect: 100-Continue\r\n"),
      request("Expect: 100-continue\r\nContent-Length: 0\r\n"),
      "POST / HTTP/1.0\r\n\(expecting)\r\n", "POST / HTTP/1.0\r\nExpect: other\r\n\r\n",
    ])
  mutating func noExpectation(text: String) {
    _ = connection.receive(text)
    #expect(connection.output == "")
    #expect(connection.failures == [])
  }

  @Test("A body over its limit is refused before it is asked for")
  mutating func bodyLimit() {
    connection.decision = .accept(bodyByteLimit: 1)
    #expect(connection.receive(request(Self.expecting)) == ["failed 413", "write"])
    #expect(connection.saysClose)
    #expect(connection.receive("ab") == [])
    #expect(connection.wrote() == ["shutdown", "resume"])
  }

  @Test("A chunked body over its limit is refused when a chunk would exceed it")
  mutating func chunkedBodyLimit() {
    connection.decision = .accept(bodyByteLimit: 3)
    #expect(
      connection.receive(request("Transfer-Encoding: chunked\r\n", body: "2\r\nab\r\n")) == [])
    #expect(connection.receive("2\r\n") == ["failed 413", "write"])
  }

  @Test("Only 100-continue can be expected")
  mutating func unknownExpectation() {
    #expect(
      connection.receive(request("Expect: 100-continue, other\r\n")) == ["failed 417", "write"])
  }

  @Test("A refused request without a body leaves the connection in step")
  mutating func refusal() {
    connection.decision = .answer(Response(status: 404))
    #expect(connection.receive(get("/1") + get("/2")) == ["refuse /1 404"])
    #expect(connection.respond() == ["write"])
    #expect(!connection.saysClose)
    #expect(connection.wrote() == ["refuse /2 404"])
  }

  @Test("A refused body is not read: the connection ends", arguments: ["", expecting])
  mutating func refusalOfBody(lines: String) {
    connection.decision = .answer(Response(status: 404))
    let lines = lines.isEmpty ? "Content-Length: 30\r\n" : lines
    #expect(connection.receive(request(lines) + get("/2")) == ["refuse / 404"])
    #expect(connection.respond() == ["write"])
    #expect(connection.saysClose)
    #expect(!connection.output.contains("100 Continue"))
    #expect(connection.wrote() == ["shutdown", "resume"])
  }

  @Test("Bytes that are not a request are answered with a problem and the end")
  mutating func malformed() throws {
    #expect(connection.receive("GET / HTTP/1.1\r\n\r\n") == ["failed 400", "write"])
    let failure = try #require(connection.failures.first)
    #expect(
      String(decoding: failure.body, as: UTF8.self)
        == #"{"type":"urn:resnetd:problem:malformed-request","title":"Bad Request","#
        + #""status":400,"detail":"Host is missing"}"#)
    #expect(connection.saysClose)
  }

  @Test(
    "Who answers a failure gets the fields that have come",
    arguments: [
      ("", "X-Request-Id: a\r\nContent-Length: 2000\r\n\r\n"),
      ("", "X-Request-Id: a\r\nExpect: x\r\n\r\n"),
      ("", "X-Request-Id: a\r\nY : z\r\n"), ("Host: b\r\n", "X-Request-Id: a\r\n\r\n"),
      ("", "X-Request-Id: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
      ("", "X-Request-Id: a\r\nContent-Length: x\r\n\r\n"),
    ])
  func knownFields(before: String, lines: String) throws {
    var connection = ConnectionUnderTest()
    _ = connection.receive("POST / HTTP/1.1\r\nHost: a\r\n" + before + lines)
    #expect(connection.failures.count == 1)
    let fields = try #require(connection.knownFields.first ?? nil)
    #expect(fields["X-Request-Id"] == "a")
  }

  @Test("A stalled head or body keeps its fields, and what has none is said to have none")
  func knownFieldsOfStalled() {
    for (text, isKnown) in [
      ("GET / HTTP/1.1\r\nX-Request-Id: a\r\nHo", true),
      ("POST / HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\r\nContent-Length: 2\r\n\r\nb", true),
      ("GET / HT", false),
    ] {
      var connection = ConnectionUnderTest()
      _ = connection.receive(text)
      #expect(connection.wait(.seconds(60)) == ["failed 408", "write"])
      #expect(connection.knownFields.map { $0?["X-Request-Id"] } == [isKnown ? "a" : nil])
    }
  }

  @Test("A failure after a good request waits for its answer")
  mutating func pipelinedFailure() {
    #expect(connection.receive(get() + "nonsense\r\n") == ["handle / "])
    #expect(connection.respond() == ["write"])
    #expect(connection.wrote() == ["failed 400", "write"])
  }
}
