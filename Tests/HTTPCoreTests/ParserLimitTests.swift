import HTTPCore
import Testing

/// Limits of the parser, each of which admits what it names and refuses one more.
struct ParserLimitTests {
  private static var limits: ParserLimits {
    var limits = ParserLimits()
    limits.requestLineByteLimit = 20
    limits.headerByteLimit = 40
    limits.headerCountLimit = 3
    limits.chunkLineByteLimit = 8
    return limits
  }

  private static func status(_ text: String, bodyByteLimit: Int = 10) -> Int? {
    Parsed.everyWay(text, limits: limits, bodyByteLimit: bodyByteLimit).failure?.status
  }

  @Test("The request line, also one that never ends")
  func requestLine() {
    #expect(Self.status("GET /2345678901 HTTP/1.1\r\nHost: a\r\n\r\n") == 414)
    #expect(Self.status("GET /234567 HTTP/1.1\r\nHost: a\r\n\r\n") == nil)
    #expect(Self.status("GET /23456789012345678901") == 414)
    #expect(Self.status("GET /234567 HTTP/1.1") == nil)
  }

  @Test("Header bytes, also of a line that never ends")
  func headerBytes() {
    let start = "GET / HTTP/1.1\r\nHost: a\r\n"  // 9 bytes of header
    #expect(Self.status(start + "X: \(String(repeating: "x", count: 28))\r\n\r\n") == nil)
    #expect(Self.status(start + "X: \(String(repeating: "x", count: 29))\r\n\r\n") == 431)
    #expect(Self.status(start + String(repeating: "x", count: 31)) == nil)
    #expect(Self.status(start + String(repeating: "x", count: 32)) == 431)
  }

  @Test("Header lines")
  func headerCount() {
    #expect(Self.status(request("X: a\r\nX: b\r\n")) == nil)
    #expect(Self.status(request("X: a\r\nX: b\r\nX: c\r\n")) == 431)
  }

  @Test("Trailer bytes and lines")
  func trailers() {
    func body(_ trailers: String) -> Int? {
      var limits = Self.limits
      limits.headerByteLimit = 60
      return Parsed.everyWay(
        request("Transfer-Encoding: chunked\r\n", body: "0\r\n\(trailers)\r\n"), limits: limits
      ).failure?.status
    }
    #expect(body("X: a\r\nX: b\r\nX: c\r\n") == nil)
    #expect(body("X: a\r\nX: b\r\nX: c\r\nX: d\r\n") == 431)
    #expect(body("X: \(String(repeating: "x", count: 60))\r\n") == 431)
  }

  @Test("A chunk's size line, also one that never ends")
  func chunkLine() {
    let start = request("Transfer-Encoding: chunked\r\n")
    #expect(Self.status(start + "1;345678\r\na\r\n0\r\n\r\n") == nil)
    #expect(Self.status(start + "1;3456789\r\na\r\n0\r\n\r\n") == 400)
    #expect(Self.status(start + "1;3456789") == 400)
  }

  @Test("A chunked body over all its chunks, before they are read")
  func chunkedBody() {
    let start = request("Transfer-Encoding: chunked\r\n")
    #expect(Self.status(start + "5\r\nabcde\r\n5\r\nabcde\r\n0\r\n\r\n") == nil)
    #expect(Self.status(start + "5\r\nabcde\r\n6\r\n") == 413)
    #expect(Self.status(start + "b\r\n") == 413)
  }

  @Test("A length that no integer holds is a length over every limit")
  func hugeLength() {
    let parsed = Parsed([request("Content-Length: 99999999999999999999\r\n").utf8.map(\.self)[...]])
    guard case .head(_, .length(let length)) = parsed.events.first else {
      Issue.record("no length")
      return
    }
    #expect(length == .max)
  }
}
