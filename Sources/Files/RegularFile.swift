package import Glibc

/// A regular file open for reading: not a folder, nor a pipe or device, whose bytes do not stay.
@safe
package struct RegularFile: ~Copyable {
  /// Bytes that are read at once, 1 MiB.
  private static let chunkByteCount = 1 << 20

  package let path: String
  package let descriptor: CInt
  package let byteCount: Int

  /// Opens it; throws for anything other than a regular file.
  ///
  /// - Parameter followsLink: Whether the path may be a symbolic link.
  package init(_ path: String, followsLink: Bool = true) throws(FileError) {
    // Opening a pipe that nobody writes to would wait forever.
    let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followsLink ? 0 : O_NOFOLLOW)
    try self.init(owning: unsafe open(path, flags), path)
  }

  /// Opens a file of an open folder, never through a symbolic link.
  package init(
    _ name: String, inFolder folder: CInt, path: String
  ) throws(FileError) {
    try self.init(
      owning: unsafe openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW), path)
  }

  private init(owning descriptor: CInt, _ path: String) throws(FileError) {
    guard descriptor >= 0 else { throw FileError("open", path) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      let fault = FileError("examine", path)
      close(descriptor)
      throw fault
    }
    guard Self.isRegular(status) else {
      close(descriptor)
      throw FileError("read", path, reason: "not a regular file")
    }
    self.path = path
    self.descriptor = descriptor
    byteCount = Int(status.st_size)
  }

  deinit { close(descriptor) }

  package static func isRegular(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFREG }

  /// Returns all of its bytes; throws if there are more than `limit`.
  package borrowing func readAll(limit: Int) throws(FileError) -> [UInt8] {
    guard let bytes = FileInput.readAll(descriptor, limit: limit) else {
      throw FileError("read", path)
    }
    guard bytes.count <= limit else {
      throw FileError("read", path, reason: "more than \(limit) bytes")
    }
    return bytes
  }

  /// Lends the bytes from here to the end in pieces of at most 1 MiB, until `body` returns false or
  /// throws.
  package borrowing func readPieces<Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Bool, orThrow failure: (FileError) -> Failure
  ) throws(Failure) {
    var chunk = [UInt8](repeating: 0, count: Self.chunkByteCount)
    while true {
      let count = FileInput.read(descriptor, into: &chunk)
      guard count >= 0 else { throw failure(FileError("read", path)) }
      if count == 0 { return }
      // SAFETY: the elements are bytes.
      guard unsafe try body(chunk.span.bytes.extracting(first: count)) else { return }
    }
  }

  /// Returns bytes from an offset on; throws if the file ends before.
  package borrowing func read(
    count: Int, at offset: Int
  ) throws(FileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    // SAFETY: `done` stays below the buffer's count while anything is read.
    let isComplete = unsafe bytes.withUnsafeMutableBytes { buffer in
      var done = 0
      while done < buffer.count {
        let count = unsafe pread(
          descriptor, buffer.baseAddress! + done, buffer.count - done, offset + done)
        if count < 0, errno == EINTR { continue }
        if count == 0 { errno = 0 }
        guard count > 0 else { return false }
        done += count
      }
      return true
    }
    guard isComplete else {
      throw errno == 0
        ? FileError("read", path, reason: "it ends before byte \(offset + count)")
        : FileError("read", path)
    }
    return bytes
  }
}
