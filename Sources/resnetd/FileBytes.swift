import Checkpoint
import Glibc

/// Whole files, read into memory.
enum FileBytes {
  private static let chunkByteCount = 64 * 1024

  /// Throws for a file that cannot be read or is larger than `limit` bytes; `-` is standard input.
  static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
    let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fault("open") }
    defer { if path != "-" { close(descriptor) } }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: chunkByteCount)
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw fault("read") }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= limit else { throw Failure("larger than \(limit) bytes") }
    }
  }

  /// Writes a whole file, over what was there.
  static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Failure("\(path): \(fault("open").message)") }
    defer { close(descriptor) }
    guard unsafe FileOutput.write(bytes.span.bytes, to: descriptor) else {
      throw Failure("\(path): \(fault("write").message)")
    }
  }

  private static func fault(_ doing: String) -> Failure {
    Failure("cannot \(doing) it: \(unsafe String(cString: strerror(errno)))")
  }
}
