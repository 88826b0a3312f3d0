import HTTPCore
import Testing

/// Requests that another party on the way might read differently, and that are refused (RFC 9112,
/// sections 6.3 and 11.2).
struct SmugglingTests {
  @Test(
    "Ambiguous framing is refused",
    arguments: [
      ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400),
      ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", 400),
      ("Content-Length: 3\r\nContent-Length: 4\r\n", 400),
      ("Content-Length: 3\r\nContent-Length: 3\r\n", 400),
      ("Content-Length: 3, 3\r\n", 400),
      ("Content-Length: 3,4\r\n", 400),
      ("Content-Length:\r\n", 400),
      ("Content-Length: +3\r\n", 400),
      ("Content-Length: -3\r\n", 400),
      ("Content-Length: 0x3\r\n", 400),
      ("Content-Length: 3 0\r\n", 400),
      ("Content-Length: 3.0\r\n", 400),
      ("Content-Length: \u{661}\r\n", 400),
      ("Transfer-Encoding: gzip\r\n", 400),
      ("Transfer-Encoding: identity\r\n", 400),
      ("Transfer-Encoding:\r\n", 400),
      ("Transfer-Encoding: xchunked\r\n", 400),
      ("Transfer-Encoding: chunked;q=1\r\n", 400),
      ("Transfer-Encoding: \"chunked\"\r\n", 400),
      ("Transfer-Encoding: chun\u{212A}ed\r\n", 400),
      ("Transfer-Encoding: chunked\u{B}\r\n", 400),
      ("Transfer-Encoding: chunked, gzip\r\n", 400),
      ("Transfer-Encoding: chunked, chunked\r\n", 400),
      ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
      ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
      ("Transfer-Encoding: ,chunked\r\n", 400),
      ("Transfer-Encoding: chunked,\r\n", 400),
      ("Transfer-Encoding: gzip, chunked\r\n", 501),
      ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501),
    ])
  func framing(lines: String, status: Int) {
    let parsed = Parsed.everyWay(request(lines, body: "0\r\n\r\n"))
    #expect(parsed.failure?.status == status)
    #expect(parsed.events == [])
  }

  @Test(
    "Lines that are not as the grammar has them are refused",
    arguments: [
      ("X : a\r\n", 400), ("X\t: a\r\n", 400), (": a\r\n", 400), ("X\r\n", 400),
      (" X: a\r\n", 400), ("X: a\r\n b\r\n", 400), ("X: a\r\n\tb\r\n", 400),
      ("X: a\n", 400), ("X: a\rY: b\r\n", 400), ("X: a\r\r\n", 400), ("X\r: a\r\n", 400),
      ("X: a\u{0}b\r\n", 400), ("X\u{0}: a\r\n", 400), ("X: a\u{7F}\r\n", 400),
      ("X: a\u{1}\r\n", 400), ("X(: a\r\n", 400), ("\u{E9}: a\r\n", 400), ("X\"Y: a\r\n", 400),
    ])
  func fields(lines: String, status: Int) {
    #expect(Parsed.everyWay(request(lines)).failure?.status == status)
  }

  @Test(
    "Request lines that are not as the grammar has them are refused",
    arguments: [
      ("GET / HTTP/1.1\n", 400), ("GET  / HTTP/1.1\r\n", 400), ("GET /  HTTP/1.1\r\n", 400),
      ("GET / HTTP/1.1 \r\n", 400), (" GET / HTTP/1.1\r\n", 400), ("GET\t/ HTTP/1.1\r\n", 400),
      ("GET /\r\n", 400), ("/ HTTP/1.1\r\n", 400), ("GET / a HTTP/1.1\r\n", 400),
      ("G(T / HTTP/1.1\r\n", 400), ("GET / HTTP/1\r\n", 400), ("GET / http/1.1\r\n", 400),
      ("GET / HTTP/1.10\r\n", 400), ("GET / HTTP/+1.1\r\n", 400), ("GET / HTTP/2.0\r\n", 505),
      ("PRI * HTTP/2.0\r\n", 505), ("GET / HTTP/0.9\r\n", 505),
      ("CONNECT a:80 HTTP/1.1\r\n", 501), ("GET * HTTP/1.1\r\n", 400),
      ("GET a HTTP/1.1\r\n", 400), ("GET ftp://a/ HTTP/1.1\r\n", 400),
      ("GET http:///x HTTP/1.1\r\n", 400), ("GET http://u@a/ HTTP/1.1\r\n", 400),
      ("GET http://a:x/ HTTP/1.1\r\n", 400), ("GET http://:80/ HTTP/1.1\r\n", 400),
      ("GET http://a%zz/ HTTP/1.1\r\n", 400), ("GET http://[::g]/ HTTP/1.1\r\n", 400),
      ("GET /#a HTTP/1.1\r\n", 400),
      ("GET /\u{0} HTTP/1.1\r\n", 400), ("GET /\u{E9} HTTP/1.1\r\n", 400),
      ("GET /%zz HTTP/1.1\r\n", 400), ("GET /%0 HTTP/1.1\r\n", 400),
      ("GET /%00 HTTP/1.1\r\n", 400), ("GET /%ff HTTP/1.1\r\n", 400),
      ("GET /?a=%g0 HTTP/1.1\r\n", 400), ("GET /\rX: b HTTP/1.1\r\n", 400),
      ("\r\n\r\n\r\nGET / HTTP/1.1\r\n", 400), ("\nGET / HTTP/1.1\r\n", 400),
    ])
  func requestLine(line: String, status: Int) {
    let parsed = Parsed.everyWay(line + "Host: a\r\n\r\n")
    #expect(parsed.failure?.status == status)
    #expect(parsed.events == [])
  }

  @Test(
    "Host stands once and is a host",
    arguments: [
      "", "Host: a\r\nHost: a\r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: u@a\r\n",
      "Host: a:b\r\n", "Host: a:1:2\r\n", "Host: [::1\r\n", "Host: []\r\n", "Host: [::1]x\r\n",
      "Host: \u{E9}\r\n", "Host:\r\n", "Host: :80\r\n", "Host: a%zz\r\n", "Host: a%4\r\n",
      "Host: a%\r\n", "Host: a,b c\r\n", "Host: [::g]\r\n", "Host: [1.2.3.4]\r\n",
      "Host: [::1%25eth0]\r\n", "Host: [v1]\r\n", "Host: [v.a]\r\n", "Host: ::1\r\n",
      "Host: a\\b\r\n",
    ])
  func host(lines: String) {
    #expect(Parsed.everyWay("GET / HTTP/1.1\r\n\(lines)\r\n").failure?.status == 400)
  }

  @Test(
    "Every host of the grammar is a Host, and may stand in an absolute target",
    arguments: [
      "a", "A.b-c_d~", "127.0.0.1:80", "a:", "a%20b:8", "[::1]", "[2001:db8::1]:8080",
      "[::ffff:1.2.3.4]", "[v1f.a:b!]", "a!$&'()*+,;=b",
    ])
  func validHost(host: String) {
    #expect(Parsed.everyWay("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n").failure == nil)
    #expect(Parsed.everyWay("GET http://\(host)/ HTTP/1.1\r\nHost: a\r\n\r\n").failure == nil)
  }

  @Test("HTTP/1.0 has no transfer codings")
  func codingInHTTP10() {
    let parsed = Parsed.everyWay(
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    #expect(parsed.failure?.status == 400)
  }

  @Test(
    "Chunks that are not as the grammar has them are refused",
    arguments: [
      ("\r\n", 400), ("g\r\n", 400), ("-1\r\n", 400), ("+1\r\n", 400), ("0x1\r\n", 400),
      (" 1\r\n", 400), ("1 \r\n", 400), ("1 x\r\n", 400), ("1\n", 400), ("1;a\n", 400),
      ("1;\r\n", 400), ("1;a \r\n", 400), ("1;a=\r\n", 400), ("1;=b\r\n", 400),
      ("1;a;\r\n", 400), ("1;a=\"b\r\n", 400), ("1;a=\"b\"c\r\n", 400), ("1;a=b c\r\n", 400),
      ("1;a\u{0}\r\n", 400), ("1;a\rb\r\n", 400), ("1\r\nab\r\n", 400), ("1\r\na\n", 400),
      ("1\r\na\r\r\n", 400), ("1\r\na0\r\n\r\n", 400), ("0\r\n X: a\r\n", 400),
      ("0\r\nX : a\r\n", 400), ("0\r\n\n", 400), ("fffffffffffffffff\r\n", 400),
      ("ffffffffffffffff\r\n", 400), ("fffffffffffffff\r\n", 413), ("3e9\r\n", 413),
    ])
  func chunks(body: String, status: Int) {
    let parsed = Parsed.everyWay(request("Transfer-Encoding: chunked\r\n", body: body))
    #expect(parsed.failure?.status == status)
    #expect(parsed.bodies == [])
  }
}
