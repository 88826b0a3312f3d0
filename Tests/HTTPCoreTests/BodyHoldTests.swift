import HTTPCore
import Synchronization
import Testing

/// Bodies that take memory as they arrive, and only as far as their hold allows.
struct BodyHoldTests {
  private final class Hold: BodyHold {
    let limit: Int
    let asked = Mutex<[Int]>([])

    func refusal(of byteCount: Int) -> Response {
      Response(status: 503, fields: HeaderFields([("Retry-After", "1")]))
    }

    init(limit: Int = .max) { self.limit = limit }

    func hold(_ byteCount: Int) -> Bool {
      asked.withLock { $0.append(byteCount) }
      return byteCount <= limit
    }

    /// Buffer that is lent, once.
    let buffer = Mutex<[UInt8]?>(nil)

    func takeBuffer(capacity: Int) -> [UInt8]? {
      buffer.withLock { buffer in
        guard let found = buffer, found.capacity >= capacity else { return nil }
        buffer = nil
        return found
      }
    }

    func keepBuffer(_ buffer: consuming [UInt8]) {}

    var largest: Int { asked.withLock { $0.last ?? 0 } }
  }

  private static let bodyByteLimit = 1 << 20

  private func connection(_ hold: Hold) -> ConnectionUnderTest {
    var connection = ConnectionUnderTest()
    connection.decision = .accept(bodyByteLimit: Self.bodyByteLimit, hold: hold)
    return connection
  }

  private func chunk(_ byteCount: Int) -> String {
    String(byteCount, radix: 16) + "\r\n" + String(repeating: "x", count: byteCount) + "\r\n"
  }

  @Test("A declared length takes nothing until it is sent, and then little more than has come")
  func declared() {
    let hold = Hold()
    var connection = connection(hold)
    #expect(connection.receive(request("Content-Length: \(Self.bodyByteLimit)\r\n")) == [])
    #expect(hold.asked.withLock { $0 } == [])
    var sent = 0
    while sent < Self.bodyByteLimit - 1000 {
      #expect(connection.receive(String(repeating: "x", count: 1000)) == [])
      sent += 1000
      #expect(hold.largest >= sent)
      #expect(hold.largest <= max(4 * sent, 16 * 1024))
    }
    _ = connection.receive(String(repeating: "x", count: Self.bodyByteLimit - sent))
    #expect(hold.largest == Self.bodyByteLimit)
    // 16, 64 and 256 KiB, then all.
    #expect(hold.asked.withLock { $0.count } == 4)
    #expect(connection.requests.last?.body.count == Self.bodyByteLimit)
  }

  @Test("A body goes on in a buffer that its hold lends, whatever has come before")
  func lentBuffer() {
    let hold = Hold()
    var lent: [UInt8] = []
    lent.reserveCapacity(100_000)
    hold.buffer.withLock { $0 = lent }
    var connection = connection(hold)
    let text = String((0..<90_000).map { Character(UnicodeScalar(UInt8(97 + $0 % 26))) })
    _ = connection.receive(request("Content-Length: 90001\r\n", body: String(text.prefix(10))))
    #expect(hold.buffer.withLock { $0 } == nil)
    // There is room for the rest.
    _ = connection.receive(String(text.dropFirst(10)))
    #expect(hold.asked.withLock { $0 } == [16 * 1024])
    _ = connection.receive("!GET / HT")
    #expect(connection.requests.first?.body == Array((text + "!").utf8))
    #expect(connection.machine.heldByteCount >= "GET / HT".count)
  }

  @Test(
    "However its bytes arrive, a body is whole and the next request begins after it",
    arguments: [true, false])
  func splits(isChunked: Bool) {
    let text = String((0..<40_000).map { Character(UnicodeScalar(UInt8(97 + $0 % 26))) })
    let first =
      isChunked
      ? request(
        "Transfer-Encoding: chunked\r\n",
        body: "4e20\r\n\(text.prefix(20_000))\r\n4e20\r\n\(text.suffix(20_000))\r\n0\r\n\r\n")
      : request("Content-Length: 40000\r\n", body: text)
    let bytes = Array((first + request("Content-Length: 3\r\n", body: "abc")).utf8)
    let ends = [1, 2, 3, 15_900, 16_500, 20_100, 39_990, 40_050, 40_090, 40_120, 40_160]
    for end in ends where end < bytes.count {
      for length in [1, 7, 5000, bytes.count] {
        let hold = Hold()
        var lent: [UInt8] = []
        lent.reserveCapacity(70_000)
        hold.buffer.withLock { $0 = lent }
        var connection = connection(hold)
        let parts = [bytes[..<end], bytes[end...].prefix(length), bytes[end...].dropFirst(length)]
        for part in parts { _ = connection.receive(String(decoding: part, as: UTF8.self)) }
        #expect(connection.requests.first?.body == Array(text.utf8), "\(end) \(length)")
        _ = connection.respond()
        _ = connection.wrote()
        #expect(connection.requests.last?.body == Array("abc".utf8), "\(end) \(length)")
      }
    }
  }

  @Test("A small body takes its own size")
  func small() {
    let hold = Hold()
    var connection = connection(hold)
    #expect(connection.receive(request("Content-Length: 3\r\n", body: "abc")) == ["handle / abc"])
    #expect(hold.asked.withLock { $0 } == [3])
  }

  @Test("Chunks take steps as well")
  func chunked() {
    let hold = Hold()
    var connection = connection(hold)
    _ = connection.receive(request("Transfer-Encoding: chunked\r\n", body: chunk(100)))
    #expect(hold.largest == 16 * 1024)
    _ = connection.receive(chunk(20_000))
    #expect(hold.largest == 64 * 1024)
  }

  @Test("Where a whole step does not fit, a body takes little more than has come")
  func shortSteps() {
    let hold = Hold(limit: 40_000)
    var connection = connection(hold)
    _ = connection.receive(request("Transfer-Encoding: chunked\r\n", body: chunk(20_000)))
    #expect(hold.asked.withLock { $0 } == [20_000])
    _ = connection.receive(chunk(1000))
    #expect(hold.asked.withLock { $0 } == [20_000, 80_000, 26_250])
    _ = connection.receive("0\r\n\r\n")
    #expect(connection.requests.first?.body.count == 21_000)
  }

  @Test("A body that does not fit is answered by its route at once, and no more is read")
  func refusal() {
    let hold = Hold(limit: 40_000)
    var connection = connection(hold)
    _ = connection.receive(request("Content-Length: 100000\r\n"))
    #expect(connection.receive(String(repeating: "x", count: 30_000)) == [])
    #expect(connection.receive(String(repeating: "x", count: 30_000)) == ["failed 503", "write"])
    #expect(connection.output.contains("Retry-After: 1\r\n"))
    #expect(connection.saysClose)
    #expect(connection.receive(String(repeating: "x", count: 30_000)) == [])
    #expect(connection.wrote() == ["shutdown", "resume"])
    #expect(connection.machine.heldByteCount == 0)
  }

  @Test("The hold goes with the request, and with the connection where no request comes of it")
  func ownership() throws {
    weak var kept: Hold?
    var connection: ConnectionUnderTest
    do {
      let hold = Hold()
      kept = hold
      connection = self.connection(hold)
    }
    _ = connection.receive(request("Content-Length: 3\r\n", body: "abc"))
    connection.decision = .accept(bodyByteLimit: 1)
    _ = connection.respond()
    _ = connection.wrote()
    #expect(connection.requests.last?.hold === kept && kept != nil)
    connection.forgetRequests()
    #expect(kept == nil)

    do {
      let hold = Hold()
      kept = hold
      connection.decision = .accept(bodyByteLimit: 10, hold: hold)
    }
    _ = connection.receive(request("Content-Length: 3\r\n", body: "ab"))
    connection.decision = .accept(bodyByteLimit: 1)
    #expect(kept != nil)
    #expect(connection.receiveEnd() == ["close"])
    #expect(kept == nil)
  }

  @Test("A body without a hold counts as what the client has buffered, one with a hold does not")
  func counting() {
    var held = connection(Hold())
    var free = ConnectionUnderTest()
    free.decision = .accept(bodyByteLimit: Self.bodyByteLimit)
    for byteCount in [50_000, 50_000] {
      let part = String(repeating: "x", count: byteCount)
      _ = held.receive(request("Content-Length: 200000\r\n", body: part))
      _ = free.receive(request("Content-Length: 200000\r\n", body: part))
    }
    #expect(free.machine.heldByteCount >= 100_000)
    #expect(held.machine.heldByteCount < 10_000)
  }

  @Test("Heads count while they arrive and until they are answered, and nothing is kept while idle")
  func heads() {
    var connection = ConnectionUnderTest()
    let line = "X: \(String(repeating: "x", count: 5000))\r\n"
    _ = connection.receive("GET / HTTP/1.1\r\nHost: a\r\n" + line)
    #expect(connection.machine.heldByteCount >= 5000)
    _ = connection.receive("\r\n")
    #expect(connection.machine.heldByteCount >= 5000)
    _ = connection.respond()
    _ = connection.wrote()
    connection.machine.releaseMemory()
    #expect(connection.machine.heldByteCount == 0)
  }
}
