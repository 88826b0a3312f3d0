import Checkpoint
import FoundationEssentials
import Glibc

/// A model file that is open to be uploaded, and its digest.
struct PushedFile: ~Copyable {
  private static let chunkByteCount = 1 << 20

  let descriptor: CInt
  let byteCount: Int
  /// As RFC 9530, section 2, writes it.
  let contentDigest: String

  /// Opens the file and reads it once; throws where that is not possible.
  init(_ path: String) throws {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.fault(path, "opened") }
    do {
      var status = stat()
      guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw Failure("\(path): it is not a file")
      }
      let digest = try Self.digest(descriptor, path)
      guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw Self.fault(path, "read") }
      byteCount = Int(status.st_size)
      contentDigest = "sha-256=:\(Data(digest).base64EncodedString()):"
      self.descriptor = descriptor
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  private static func digest(_ descriptor: CInt, _ path: String) throws -> [UInt8] {
    var digest = try SHA256()
    var chunk = [UInt8](repeating: 0, count: chunkByteCount)
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw fault(path, "read") }
      if count == 0 { return digest.finish() }
      // SAFETY: the bytes of an array of bytes, for the call.
      unsafe digest.update(chunk.span.extracting(..<count).bytes)
    }
  }

  private static func fault(_ path: String, _ done: String) -> Failure {
    Failure("\(path): it cannot be \(done): \(unsafe String(cString: strerror(errno)))")
  }
}
