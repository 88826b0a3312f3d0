import Files
import Glibc

/// Parts of a stream between delimiters, such as lines, read in bounded memory.
package struct DelimitedReader: Sendable {
  package struct Part: Sendable {
    /// Bytes without the delimiter, at most the limit.
    package var bytes: [UInt8]
    /// Whether it was longer than the limit; the rest is passed over.
    package var isCut = false
    /// Whether a delimiter ends it; false only at the end of the stream.
    package var isComplete: Bool
  }

  private static let chunkByteCount = 64 << 10
  /// Time between two looks at whether the rest is still wanted.
  private static let pollMilliseconds: CInt = 100

  /// Nil for bytes in memory, which are one chunk.
  private let descriptor: CInt?
  private let delimiter: UInt8
  private let limit: Int
  private let isWanted: @Sendable () -> Bool
  private var chunk: [UInt8]
  private var rest = 0..<0
  private var isAtEnd = false
  /// Bytes of all parts that were returned, with their delimiters.
  package private(set) var byteCount = 0

  /// - Parameters:
  ///   - limit: Bytes of one part that are kept.
  ///   - isWanted: Asked while nothing arrives; false ends the stream.
  package init(
    _ descriptor: CInt, delimiter: UInt8, limit: Int,
    while isWanted: @escaping @Sendable () -> Bool = { true }
  ) {
    self.descriptor = descriptor
    self.delimiter = delimiter
    self.limit = limit
    self.isWanted = isWanted
    chunk = [UInt8](repeating: 0, count: Self.chunkByteCount)
  }

  /// Reads bytes in memory.
  package init(_ bytes: [UInt8], delimiter: UInt8, limit: Int) {
    descriptor = nil
    self.delimiter = delimiter
    self.limit = limit
    isWanted = { true }
    chunk = bytes
    (rest, isAtEnd) = (chunk.indices, true)
  }

  /// Begins again at the first byte; a descriptor must be that of a regular file.
  package mutating func restart() {
    byteCount = 0
    guard let descriptor else {
      rest = chunk.indices
      return
    }
    lseek(descriptor, 0, SEEK_SET)
    (rest, isAtEnd) = (0..<0, false)
  }

  /// Whether the next part can be returned without waiting for anybody.
  package var isReady: Bool { isAtEnd || chunk[rest].contains(delimiter) }

  /// Returns the next part, or nil at the end.
  ///
  /// - Throws: The system's words for a stream that it cannot read.
  package mutating func next() throws(TableError) -> Part? {
    var part = Part(bytes: [], isComplete: false)
    var count = 0
    while true {
      if rest.isEmpty {
        guard try fill() else {
          byteCount += count
          return count == 0 ? nil : part
        }
      }
      let end = chunk[rest].firstIndex(of: delimiter) ?? rest.upperBound
      let room = limit - part.bytes.count
      part.bytes += chunk[rest.lowerBound..<min(end, rest.lowerBound + room)]
      if end - rest.lowerBound > room { part.isCut = true }
      count += end - rest.lowerBound
      if end < rest.upperBound {
        rest = end + 1..<rest.upperBound
        byteCount += count + 1
        part.isComplete = true
        return part
      }
      rest = 0..<0
    }
  }

  private mutating func fill() throws(TableError) -> Bool {
    guard !isAtEnd, let descriptor else { return false }
    while true {
      var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let count = unsafe poll(&wanted, 1, Self.pollMilliseconds)
      if count > 0 || (count < 0 && errno != EINTR) { break }
      guard isWanted() else {
        isAtEnd = true
        return false
      }
    }
    let count = FileInput.read(descriptor, into: &chunk)
    guard count >= 0 else { throw TableError("it cannot be read: \(SystemError.text())") }
    rest = 0..<count
    isAtEnd = count == 0
    return count > 0
  }
}
