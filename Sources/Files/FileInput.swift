import Glibc

/// Bytes out of an open file, of whatever kind.
package enum FileInput {
  /// Bytes that are read at once, 64 KiB.
  private static let chunkByteCount = 64 << 10

  /// Reads as many bytes as come at once, at most the array's count; a call that a signal interrupts is made again.
  ///
  /// - Returns: Their number, 0 at the end of the file; below 0 where the system refuses, and `errno` says why.
  package static func read(_ descriptor: CInt, into chunk: inout [UInt8]) -> Int {
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { buffer in
        // SAFETY: the system writes at most `count` bytes into the buffer.
        unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      }
      if count >= 0 || errno != EINTR { return count }
    }
  }

  /// All bytes up to the end of the file, or the first `limit + 1` of a longer one, by which it is told; nil where the
  /// system refuses, and `errno` says why.
  package static func readAll(_ descriptor: CInt, limit: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: chunkByteCount)
    while bytes.count <= limit {
      let count = read(descriptor, into: &chunk)
      guard count >= 0 else { return nil }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
    return Array(bytes.prefix(limit + 1))
  }
}
