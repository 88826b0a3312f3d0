import Glibc

/// Writing to an open file.
package enum FileOutput {
  /// Writes all of them, by several system calls if needed.
  ///
  /// - Returns: Whether the system accepted them; `errno` says why not.
  package static func write(_ bytes: RawSpan, to descriptor: CInt) -> Bool {
    unsafe bytes.withUnsafeBytes { buffer in
      var offset = 0
      while offset < buffer.count {
        // SAFETY: the rest of the buffer, which is not empty.
        let count = unsafe Glibc.write(
          descriptor, buffer.baseAddress! + offset, buffer.count - offset)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { return false }
        offset += count
      }
      return true
    }
  }
}
