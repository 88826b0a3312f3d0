import Dispatch
import Foundation
import Glibc
import Synchronization
import Telemetry
import Testing

/// Log whose reader has stopped.
@Suite struct StalledLogTests {
  /// Time longer than any thread is kept waiting, so that passing never depends on it.
  private static let patience = Duration.seconds(60)

  private let pipe = Pipe()

  private var log: Log {
    Log(format: .json, descriptor: pipe.fileHandleForWriting.fileDescriptor)
  }

  private func objects(_ data: Data) throws -> [[String: Any]] {
    try data.split(separator: UInt8(ascii: "\n")).map {
      try #require(try JSONSerialization.jsonObject(with: $0) as? [String: Any])
    }
  }

  /// Reader of a pipe to its end, on a thread of its own, since the test's may wait for the log.
  private final class Reader: Sendable {
    private let data = Mutex(Data())
    private let isDone = DispatchSemaphore(value: 0)

    init(_ handle: FileHandle) {
      let descriptor = handle.fileDescriptor
      Thread.detachNewThread { [self] in
        let handle = FileHandle(fileDescriptor: descriptor)
        while let part = try? handle.read(upToCount: 65536), !part.isEmpty {
          data.withLock { $0 += part }
        }
        isDone.signal()
      }
    }

    func wait() -> Data {
      isDone.wait()
      return data.withLock { $0 }
    }
  }

  @Test(
    "Nobody waits for it; lines without room are counted, and reported when it is read again")
  func stalled() throws {
    let log = log
    let text = String(repeating: "x", count: 1000)
    // Three times what the pipe and the buffer hold.
    let count = 3 << 10
    for index in 0..<count { log.write("line", ["index": .integer(index), "text": .text(text)]) }
    #expect(!log.flush(within: .milliseconds(1)))
    let droppedCount = log.droppedLineCount
    #expect(0 < droppedCount && droppedCount < count)

    let reader = Reader(pipe.fileHandleForReading)
    #expect(log.flush(within: Self.patience))
    log.write("after", [:])
    #expect(log.flush(within: Self.patience))
    try pipe.fileHandleForWriting.close()
    let lines = try objects(reader.wait())
    let indices = lines.compactMap { $0["index"] as? Int }
    #expect(indices.count == count - droppedCount)
    #expect(indices == indices.sorted())
    let said = lines.filter { $0["message"] as? String == "log lines dropped" }
    #expect(said.reduce(0) { $0 + ($1["count"] as? Int ?? 0) } == droppedCount)
    #expect(lines.last?["message"] as? String == "after")
    #expect(log.droppedLineCount == droppedCount)
  }

  @Test("Lines that the system refuses are counted, and reported when it takes lines again")
  func refused() throws {
    // The file of the descriptor is changed under the log: at first it takes no bytes.
    let descriptor = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
    let log = Log(format: .json, descriptor: descriptor)
    for _ in 0..<3 { log.write("lost") }
    #expect(log.flush(within: Self.patience))
    #expect(log.droppedLineCount == 3)
    #expect(dup2(pipe.fileHandleForWriting.fileDescriptor, descriptor) == descriptor)
    log.write("kept")
    #expect(log.flush(within: Self.patience))
    close(descriptor)
    try pipe.fileHandleForWriting.close()
    let lines = try objects(try pipe.fileHandleForReading.readToEnd() ?? Data())
    #expect(lines.map { $0["message"] as? String } == ["kept", "log lines dropped"])
    #expect(lines.last?["count"] as? Int == 3)
  }

  @Test("A descriptor that does not block is waited for, and nothing is lost")
  func nonBlocking() throws {
    let descriptor = pipe.fileHandleForWriting.fileDescriptor
    #expect(fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0)
    let log = log
    let text = String(repeating: "x", count: 1000)
    // More than the pipe holds, and less than the buffer.
    for index in 0..<500 { log.gather("line", ["index": .integer(index), "text": .text(text)]) }
    let reader = Reader(pipe.fileHandleForReading)
    #expect(log.flush(within: Self.patience))
    try pipe.fileHandleForWriting.close()
    #expect(reader.wait().count { $0 == UInt8(ascii: "\n") } == 500)
    #expect(log.droppedLineCount == 0)
  }
}
