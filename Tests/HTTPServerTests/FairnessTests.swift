import Dispatch
import HTTPCore
import HTTPServer
import Testing

/// Work of one connection, which does not keep others from their turn.
///
/// The queue is blocked while both clients send, the busy one first: then only turns decide who is
/// answered when.
struct FairnessTests {
  /// Returns the paths of the answers in their order, until `path` has had its own.
  private func answers(
    until path: String, beside work: String, over transport: Transport
  ) throws -> [String] {
    var paths: [String] = []
    try withServer(over: transport) { server in
      let (blocking, busy, other) = try (server.connect(), server.connect(), server.connect())
      for client in [busy, other] { _ = try client.exchange(request("POST", "/first", body: "a")) }
      try blocking.send(request("GET", "/block"))
      let release = server.handler.nextBlocked()
      try busy.send(work)
      try other.send(request("GET", path))
      release.signal()
      repeat {
        paths.append(server.handler.nextRecord().head?.target.path ?? "-")
      } while paths.last != path
      #expect(try other.answer().status == 200)
    }
    return paths.filter { $0 != "/first" && $0 != "/block" }
  }

  @Test(
    "A client that sends a thousand requests ahead gets a few answers before another client's turn",
    arguments: Transport.allCases)
  func pipelining(over transport: Transport) throws {
    let work = String(repeating: request("GET", "/busy"), count: 1000)
    let paths = try answers(until: "/other", beside: work, over: transport)
    #expect(paths.count <= 3 * ConnectionLimits().turnRequestLimit)
  }

  @Test(
    "A body of ten thousand chunks is not read to its end before another client's turn",
    arguments: Transport.allCases)
  func chunks(over transport: Transport) throws {
    let body = String(repeating: "1\r\na\r\n", count: 10_000) + "0\r\n\r\n"
    let work = request("POST", "/busy", "Transfer-Encoding: chunked\r\n") + body
    #expect(try answers(until: "/other", beside: work, over: transport) == ["/other"])
  }

  @Test(
    "All that was sent ahead is answered in the end", arguments: [1, 3, 1000], Transport.allCases)
  func completeness(turnRequestLimit: Int, over transport: Transport) throws {
    try withServer(over: transport) {
      $0.limits.turnRequestLimit = turnRequestLimit
      $0.limits.turnLineLimit = turnRequestLimit
    } _: { server in
      let client = try server.connect()
      for index in 0..<300 {
        try client.send(
          request("POST", "/echo", "Transfer-Encoding: chunked\r\n")
            + "1\r\na\r\n1\r\nb\r\n2\r\n\(10 + index % 90)\r\n0\r\n\r\n")
      }
      client.finishSending()
      for index in 0..<300 { #expect(try client.answer().text == "ab\(10 + index % 90)") }
      #expect(try client.rest() == "")
    }
  }
}
