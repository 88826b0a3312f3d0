import HTTPCore
import Testing

/// Bodies that are handed over as they arrive.
struct ConnectionStreamTests {
  private final class Sink: BodySink {
    func receive(_ part: [UInt8]) {}
  }

  private func streaming(limit: Int = 1000) -> ConnectionUnderTest {
    var connection = ConnectionUnderTest()
    connection.decision = .stream(bodyByteLimit: limit, to: BodyDestination(Sink()))
    return connection
  }

  @Test("Parts are handed over as they arrive, and the request when the last has come")
  func parts() {
    var connection = streaming()
    #expect(connection.receive(request("Content-Length: 6\r\n", body: "ab")) == ["part ab"])
    #expect(connection.receive("cd") == ["part cd"])
    #expect(connection.receive("ef") == ["part ef", "handle / "])
    #expect(connection.respond() == ["write"])
    #expect(connection.wrote() == [])
    #expect(!connection.saysClose)
  }

  @Test("However a body arrives, its parts are the body", arguments: [false, true])
  func splits(isChunked: Bool) {
    let text =
      isChunked
      ? request("Transfer-Encoding: chunked\r\n", body: "3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n")
      : request("Content-Length: 5\r\n", body: "abcde")
    for first in 0..<text.utf8.count {
      for second in first..<text.utf8.count {
        var connection = streaming()
        let bytes = Array(text.utf8)
        var wanted: [String] = []
        for part in [bytes[..<first], bytes[first..<second], bytes[second...]] {
          wanted += connection.receive(String(decoding: part, as: UTF8.self))
        }
        #expect(wanted.last == "handle / ")
        let body = wanted.dropLast().map { $0.replacing("part ", with: "") }.joined()
        #expect(body == "abcde")
        #expect(connection.machine.isActive)
      }
    }
  }

  @Test("Chunks beyond the limit are refused though the earlier ones are gone")
  func limit() {
    var connection = streaming(limit: 5)
    let head = request("Transfer-Encoding: chunked\r\n", body: "")
    #expect(connection.receive(head + "4\r\nabcd\r\n") == ["part abcd"])
    #expect(connection.receive("2\r\n") == ["failed 413", "write"])
    var declared = streaming(limit: 5)
    #expect(
      declared.receive(request("Content-Length: 6\r\n", body: "")) == ["failed 413", "write"])
  }

  @Test("A streamed body may take as long as it makes progress")
  func noWholeDeadline() {
    var connection = streaming(limit: 1 << 20)
    let byteCount = ConnectionLimits().bodyProgressByteCount
    _ = connection.receive(request("Content-Length: \(10 * byteCount)\r\n"))
    for _ in 0..<9 {
      _ = connection.receive(String(repeating: "x", count: byteCount))
      #expect(connection.wait(ConnectionLimits().bodyTimeout) == [])
    }
  }

  @Test("A client that stops sending or ends too early gets no request handled")
  func abandoned() {
    var stalled = streaming()
    #expect(stalled.receive(request("Content-Length: 6\r\n", body: "ab")) == ["part ab"])
    #expect(stalled.wait(ConnectionLimits().bodyTimeout).first == "failed 408")
    var ended = streaming()
    #expect(ended.receive(request("Content-Length: 6\r\n", body: "ab")) == ["part ab"])
    #expect(ended.receiveEnd() == ["close"])
  }
}
