import Glibc

/// Reads a file of a folder that is followed; links are followed too, as whoever keeps the folder wants it.
struct FolderFetch {
  private static let chunkByteCount = 1 << 20

  let path: String
  let cancellation: Cancellation

  func run(into sink: any RemoteSink) throws(RemoteError) {
    // Without blocking: opening a pipe that nobody writes would wait forever.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure() }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw failure() }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .transfer(address: path, reason: "not a regular file")
    }
    let announced = Int(status.st_size)
    var chunk = [UInt8](repeating: 0, count: Self.chunkByteCount)
    while true {
      if cancellation.isCancelled { throw .cancelled }
      let count = unsafe chunk.withUnsafeMutableBytes { buffer in
        // SAFETY: the system writes at most `count` bytes into the buffer.
        unsafe read(descriptor, buffer.baseAddress, buffer.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure() }
      if count == 0 { return }
      try unsafe sink.take(chunk.span.bytes.extracting(first: count), announced: announced)
    }
  }

  private func failure() -> RemoteError {
    .transfer(address: path, reason: unsafe String(cString: strerror(errno)))
  }
}
