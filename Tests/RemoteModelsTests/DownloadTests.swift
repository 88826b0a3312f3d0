import Checkpoint
import Foundation
import RemoteModels
import ScriptedServer
import Testing

/// Published files whose names carry the first digits of their digest.
@Suite struct DownloadTests {
  /// A folder with a partial file in it, and the messages while fetching.
  private final class Fetching {
    let folder: TemporaryFolder
    var path: String { folder.path + "/out.partial" }
    var waits: [Duration] = []
    var progress: [Int] = []
    var announced: Set<Int?> = []

    init() throws { folder = try TemporaryFolder() }

    var files: [String] {
      get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
    }

    var bytes: [UInt8] { get throws { Array(try Data(contentsOf: URL(filePath: path))) } }

    func run(
      _ address: String, limits: RemoteLimits = RemoteLimits()
    ) throws(RemoteError) -> ModelVersion {
      let download = try Download(address, limits: limits)
      return try download.run(into: PartialFile(path)) {
        waits.append($0)
      } progress: {
        self.progress.append($0)
        self.announced.insert($1)
      }
    }
  }

  private static let file = ServedFile(model(1, byteCount: 900_000))
  private static let other = ServedFile(model(2, byteCount: 900_000), etag: "\"two\"")

  private func address(_ server: ScriptedServer, of bytes: [UInt8]) throws -> String {
    "\(server.address)/models/net-\(try version(of: bytes).hex.prefix(8)).pth"
  }

  @Test func `a file is fetched and checked by the digits in its name`() throws {
    let server = try ScriptedServer { head, _ in Self.file.answer(head) }
    let fetching = try Fetching()
    let fetched = try fetching.run(address(server, of: Self.file.bytes))
    #expect(fetched == (try version(of: Self.file.bytes)))
    #expect(try fetching.bytes == Self.file.bytes)
    #expect(fetching.progress.last == Self.file.bytes.count && fetching.waits.isEmpty)
    #expect(fetching.progress == fetching.progress.sorted())
    #expect(fetching.announced == [Self.file.bytes.count])
    #expect(server.requests.count == 1 && !server.requests[0].contains("Range:"))
  }

  @Test func `a transfer that breaks off goes on where it was, after longer and longer waits`()
    throws
  {
    let cuts = [300_000, 0, 200_001]
    let server = try ScriptedServer { head, index in
      Self.file.answer(head, cut: index < cuts.count ? cuts[index] : .max)
    }
    let fetching = try Fetching()
    _ = try fetching.run(address(server, of: Self.file.bytes))
    #expect(try fetching.bytes == Self.file.bytes)
    #expect(fetching.waits == [.seconds(1), .seconds(2), .seconds(4)])
    let ranges = server.requests.map { ServedFile.field("Range", $0) }
    #expect(ranges == [nil, "bytes=300000-", "bytes=300000-", "bytes=500001-"])
    #expect(
      server.requests.dropFirst().allSatisfy { ServedFile.field("If-Range", $0) == "\"one\"" })
    #expect(fetching.announced == [Self.file.bytes.count])
  }

  @Test func `a later run goes on with what an earlier one left`() throws {
    let server = try ScriptedServer { head, index in
      Self.file.answer(head, cut: index == 0 ? 500_000 : .max)
    }
    let fetching = try Fetching()
    var limits = RemoteLimits()
    limits.retryLimit = 0
    let address = try address(server, of: Self.file.bytes)
    #expect(throws: RemoteError.self) { try fetching.run(address, limits: limits) }
    #expect(try fetching.files == ["out.partial", "out.partial.source"])
    #expect(try fetching.bytes == Array(Self.file.bytes[..<500_000]))
    _ = try fetching.run(address, limits: limits)
    #expect(try fetching.bytes == Self.file.bytes)
    #expect(ServedFile.field("Range", server.requests[1]) == "bytes=500000-")
    // The file is complete: the server has nothing more to send.
    _ = try fetching.run(address, limits: limits)
    #expect(ServedFile.field("Range", server.requests[2]) == "bytes=\(Self.file.bytes.count)-")
    try PartialFile(fetching.path).remove()
    #expect(try fetching.files.isEmpty)
  }

  @Test func `a file that has changed on the server meanwhile is fetched anew`() throws {
    let server = try ScriptedServer { head, index in
      index == 0 ? Self.other.answer(head, cut: 500_000) : Self.file.answer(head)
    }
    let fetching = try Fetching()
    _ = try fetching.run(address(server, of: Self.file.bytes))
    #expect(try fetching.bytes == Self.file.bytes)
    #expect(ServedFile.field("If-Range", server.requests[1]) == "\"two\"")
    #expect(server.requests.count == 2)
  }

  @Test func `parts of two files under one tag are told by the digest, and fetched anew once`()
    throws
  {
    let lying = ServedFile(Self.other.bytes)
    let server = try ScriptedServer { head, index in
      index == 0 ? lying.answer(head, cut: 500_000) : Self.file.answer(head)
    }
    let fetching = try Fetching()
    _ = try fetching.run(address(server, of: Self.file.bytes))
    #expect(try fetching.bytes == Self.file.bytes)
    #expect(server.requests.map { ServedFile.field("Range", $0) } == [nil, "bytes=500000-", nil])
  }

  @Test func `a file with another digest is not kept`() throws {
    let server = try ScriptedServer { head, _ in Self.other.answer(head) }
    let fetching = try Fetching()
    let address = try address(server, of: Self.file.bytes)
    let error = RemoteError.wrongDigits(
      address: address, expected: String(try version(of: Self.file.bytes).hex.prefix(8)),
      actual: try version(of: Self.other.bytes))
    #expect(throws: error) { try fetching.run(address) }
    #expect(try fetching.files.isEmpty)
    #expect(server.requests.count == 1)
  }

  @Test(arguments: [nil, "W/\"weak\"", "bare"] as [String?])
  func `without a strong tag a transfer begins again`(_ etag: String?) throws {
    let file = ServedFile(Self.file.bytes, etag: etag)
    let server = try ScriptedServer { head, index in
      file.answer(head, cut: index == 0 ? 500_000 : .max)
    }
    let fetching = try Fetching()
    _ = try fetching.run(address(server, of: file.bytes))
    #expect(try fetching.bytes == file.bytes)
    #expect(server.requests.allSatisfy { !$0.contains("Range:") })
  }

  @Test(arguments: [
    "bytes 1-899999/900001", "bytes 500001-900000/900001", "bytes 500000-900001/900001",
    "bytes 500000-400000/900001", "bytes -1-2/3", "bytes 99999999999999999999-1/2", "bytes", "none",
    "bytes 500000-900000", "bytes 500000-900000/", "bytes 500000-900000/9x",
  ])
  func `another range than was asked for is refused`(_ range: String) throws {
    let server = try ScriptedServer { head, index in
      guard index > 0 else { return Self.file.answer(head, cut: 500_000) }
      let head =
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\nContent-Range: \(range)\r\n\r\n"
      return Array(head.utf8) + [1, 2, 3]
    }
    let fetching = try Fetching()
    var limits = RemoteLimits()
    limits.retryLimit = 1
    let address = try address(server, of: Self.file.bytes)
    let error = #expect(throws: RemoteError.self) { try fetching.run(address, limits: limits) }
    #expect(error?.description.contains("another range") == true)
    #expect(try fetching.bytes == Array(Self.file.bytes[..<500_000]))
  }

  @Test(arguments: [(404, 1), (403, 1), (206, 1), (304, 1), (500, 3), (503, 3), (429, 3)])
  func `a status is told, and what may pass is asked again`(_ status: Int, _ requests: Int) throws {
    let server = try ScriptedServer(
      answering: "HTTP/1.1 \(status) No\r\nContent-Length: 2\r\n\r\nno")
    let fetching = try Fetching()
    var limits = RemoteLimits()
    limits.retryLimit = 2
    let address = try address(server, of: [])
    #expect(throws: RemoteError.status(address: address, status)) {
      try fetching.run(address, limits: limits)
    }
    #expect(server.requests.count == requests && fetching.waits.count == requests - 1)
  }

  @Test func `of an error's endless body only the status counts`() throws {
    let server = try ScriptedServer { _, _ in
      Array("HTTP/1.1 404 Not Found\r\n\r\n".utf8) + [UInt8](repeating: 32, count: 3 << 20)
    }
    let address = try address(server, of: [])
    #expect(throws: RemoteError.status(address: address, 404)) { try Fetching().run(address) }
    #expect(server.requests.count == 1)
  }

  @Test func `endless header lines are given up`() throws {
    let line = "X: \(String(repeating: "x", count: 60_000))\r\n"
    let server = try ScriptedServer(
      answering: "HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 50) + "\r\n")
    var limits = RemoteLimits()
    limits.retryLimit = 0
    let fetching = try Fetching()
    let address = try address(server, of: [])
    let error = #expect(throws: RemoteError.self) { try fetching.run(address, limits: limits) }
    #expect(error?.description.contains("headers") == true, "\(String(describing: error))")
    #expect(try fetching.files.isEmpty)
  }

  @Test(arguments: ["file:///etc/passwd", "gopher://127.0.0.1/", "/models/again", "http://[/"])
  func `a redirection that is refused is not asked for again`(_ location: String) throws {
    let server = try ScriptedServer(
      answering: "HTTP/1.1 302 Found\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n")
    let fetching = try Fetching()
    let address = try address(server, of: [])
    let error = #expect(throws: RemoteError.self) { try fetching.run(address) }
    guard case .misdirected(address, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try fetching.waits.isEmpty && fetching.files.isEmpty)
  }

  @Test func `redirections are followed, with the range`() throws {
    let server = try ScriptedServer { head, index in
      if head.hasPrefix("GET /models/") {
        return Array("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".utf8)
      }
      return Self.file.answer(head, cut: index == 1 ? 500_000 : .max)
    }
    let fetching = try Fetching()
    _ = try fetching.run(address(server, of: Self.file.bytes))
    #expect(try fetching.bytes == Self.file.bytes)
    #expect(ServedFile.field("Range", server.requests[3]) == "bytes=500000-")
  }

  @Test func `a file over the limit is refused, announced or not`() throws {
    var limits = RemoteLimits()
    limits.downloadByteLimit = 100_000
    for head in ["Content-Length: 900001\r\n\r\n", "\r\n"] {
      let server = try ScriptedServer { _, _ in
        Array("HTTP/1.1 200 OK\r\n\(head)".utf8) + Self.file.bytes
      }
      let address = try address(server, of: Self.file.bytes)
      let error = RemoteError.tooLarge(address: address, limit: 100_000)
      let fetching = try Fetching()
      #expect(throws: error) { try fetching.run(address, limits: limits) }
      #expect(fetching.waits.isEmpty)
    }
  }

  @Test func `a note that is none, or of another place, is not gone on with`() throws {
    let server = try ScriptedServer { head, _ in Self.file.answer(head) }
    let address = try address(server, of: Self.file.bytes)
    for note in [
      "", "\(address)\n\"one\"", "\(address)\nW/\"one\"\n", "\(address)\n\"one\"\nx\n",
      "\(address)x\n\"one\"\n", "\(address)\n\"o\r\nX: y\"\n", String(repeating: "x", count: 9000),
    ] {
      let fetching = try Fetching()
      try Data(Self.file.bytes.prefix(1000)).write(to: URL(filePath: fetching.path))
      try Data(note.utf8).write(to: URL(filePath: fetching.path + ".source"))
      _ = try fetching.run(address)
      #expect(try fetching.bytes == Self.file.bytes)
    }
    #expect(server.requests.allSatisfy { !$0.contains("Range:") })
  }

  @Test func `a partial file that is in use, or no plain file, is left alone`() throws {
    let fetching = try Fetching()
    let first = try PartialFile(fetching.path)
    let error = #expect(throws: RemoteError.self) { try PartialFile(fetching.path) }
    #expect(error?.description.contains("another process is fetching it") == true)
    withExtendedLifetime(first) {}
    let link = fetching.folder.path + "/link"
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: fetching.path)
    #expect(throws: RemoteError.self) { try PartialFile(link) }
    #expect(throws: RemoteError.self) { try PartialFile("/dev/null") }
    #expect(throws: RemoteError.self) { try PartialFile(fetching.folder.path) }
    #expect(throws: RemoteError.self) { try PartialFile("/nonexistent/x") }
  }

  @Test(arguments: [
    "http://h/net.pth", "http://h/net-1234567.pth", "http://h/net-1234567G.pth", "http://h/",
    "http://h/net-ABCDEF01.pth", "ftp://h/net-01234567.pth", "file:///net-01234567.pth",
    "http://u:p@h/net-01234567.pth", "http://h/net-01234567.pth?x", "net-01234567.pth", "",
  ])
  func `an address that promises nothing, or is none, is refused`(_ address: String) {
    let error = #expect(throws: RemoteError.self) { try Download(address) }
    guard case .malformedAddress = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
