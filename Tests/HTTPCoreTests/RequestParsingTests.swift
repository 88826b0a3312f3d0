import HTTPCore
import Testing

/// Requests as RFC 9112 writes them.
struct RequestParsingTests {
  @Test("A head has its method, target, version and fields in their order")
  func head() throws {
    let parsed = Parsed.everyWay(
      "GET /a?b=c HTTP/1.1\r\nHost: example.org:80\r\nX-One:1\r\nx-one: \t two words \t\r\nEmpty:\r\n\r\n"
    )
    let head = try #require(parsed.heads.first)
    #expect(parsed.failure == nil)
    #expect(head.method == "GET")
    #expect(head.target.path == "/a")
    #expect(head.version == .http11)
    #expect(head.fields.values(of: "X-ONE") == ["1", "two words"])
    #expect(head.fields["empty"] == "")
    #expect(parsed.events.last == .end(body: [], trailers: HeaderFields()))
  }

  @Test(
    "Requests follow each other without a gap",
    arguments: [
      ("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", ["", ""]),
      (request("Content-Length: 3\r\n", body: "abc") + request("", method: "GET"), ["abc", ""]),
      (
        request("Content-Length: 0\r\n") + request("Content-Length: 2\r\n", body: "ab"), ["", "ab"]
      ),
      (
        request("Transfer-Encoding: chunked\r\n", body: "3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n")
          + request("Content-Length: 1\r\n", body: "e"), ["abcd", "e"]
      ),
      (request("Transfer-Encoding: Chunked\r\n", body: "000\r\n\r\n"), [""]),
      (
        request(
          "Transfer-Encoding: chunked\r\n",
          body: "1 ;a=b\r\na\r\n1; a=b\r\nb\r\n1 ; a = \"b;\\\"\"\t;c\r\nc\r\n0;d\r\n\r\n"), ["abc"]
      ),
      ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", [""]),
      ("GET / HTTP/1.0\r\n\r\n", [""]),
      ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", [""]),
      ("GET http://b:81/x HTTP/1.1\r\nHost: a\r\n\r\n", [""]),
      ("GET / HTTP/1.9\r\nHost: [::1]:80\r\n\r\n", [""]),
      (request("Content-Length: 0000000000000000000000003\r\n", body: "abc"), ["abc"]),
    ])
  func sequences(text: String, bodies: [String]) {
    let parsed = Parsed.everyWay(text)
    #expect(parsed.failure == nil)
    #expect(parsed.bodies == bodies)
  }

  @Test("Trailers come with the body, without those that may not stand there")
  func trailers() {
    let parsed = Parsed.everyWay(
      request(
        "Transfer-Encoding: chunked\r\n",
        body: "1\r\na\r\n0\r\nContent-Digest: x\r\nContent-Length: 9\r\nHost: b\r\n\r\n"))
    #expect(parsed.failure == nil)
    #expect(
      parsed.events.last
        == .end(body: Array("a".utf8), trailers: HeaderFields([("Content-Digest", "x")])))
  }

  @Test("An unfinished request is neither a failure nor an event")
  func unfinished() {
    let text = request("Content-Length: 3\r\n", body: "ab")
    #expect(Parsed.everyWay(text).events.count == 1)
    #expect(Parsed.everyWay(String(text.prefix(20))) == Parsed([]))
  }

  @Test("Bytes that have been used are not kept, even if no read ends with a request")
  func bufferStaysSmall() throws {
    let one = Array(request("", method: "GET").utf8)
    let portion = one[1...] + one[..<1]
    var parser = RequestParser()
    parser.append(one[..<1])
    for _ in 0..<1000 {
      parser.append(portion)
      #expect(parser.heldByteCount <= 2 * one.count + 1)
      while try parser.next() != nil {}
    }
  }
}
