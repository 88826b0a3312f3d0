import Glibc

/// Reading from an open file of any kind.
package enum FileInput {
  /// Bytes that are read at once, 64 KiB.
  private static let chunkByteCount = 64 << 10

  /// Reads the bytes that are available, at most the array's count, again if a signal interrupts
  /// the call.
  ///
  /// - Returns: Their number, 0 at the end of the file; below 0 if the system refuses, and `errno`
  ///   says why.
  package static func read(_ descriptor: CInt, into chunk: inout [UInt8]) -> Int {
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { buffer in
        // SAFETY: the system writes at most `count` bytes into the buffer.
        unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      }
      if count >= 0 || errno != EINTR { return count }
    }
  }

  /// Returns all bytes up to the end of the file, or the first `limit + 1` bytes of a longer one,
  /// which reveal it.
  ///
  /// Returns nil if the system refuses, and `errno` says why.
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
