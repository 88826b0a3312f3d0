import Files
import Glibc

/// Place where answers go: standard output, or a file that grows row by row.
enum ResultFile {
  /// Error of standard output that takes no more; its end reports why.
  struct Closed: Error {}

  case standardOutput
  case file(descriptor: CInt, path: String)

  /// Creates a file, or replaces it if that is wished.
  static func create(_ path: String, replaces: Bool) throws(Failure) -> ResultFile {
    try WrittenFile.checkFree(
      path, replaces: replaces,
      remedies: "--resume goes on with it, --force replaces it, another --output leaves it")
    let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Failure("\(path): cannot create it: \(SystemError.text())") }
    return .file(descriptor: descriptor, path: path)
  }

  /// Opens a file to go on with, for this process alone.
  static func open(toResume path: String) throws(Failure) -> CInt {
    let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o666)
    guard descriptor >= 0 else { throw Failure("\(path): cannot open it: \(SystemError.text())") }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, RegularFile.isRegular(status) else {
      throw Failure("\(path): not a regular file, so that --resume cannot read it")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw Failure("\(path): another process is writing to it; wait for its end")
    }
    return descriptor
  }

  /// Writes all of them, now.
  func write(_ bytes: [UInt8]) throws {
    switch self {
    case .standardOutput: guard StandardOutput.send(bytes) else { throw Closed() }
    case .file(let descriptor, let path):
      // SAFETY: the elements are bytes.
      guard unsafe FileOutput.write(bytes.span.bytes, to: descriptor) else {
        throw Failure("\(path): cannot write it: \(SystemError.text())")
      }
    }
  }

  /// Ends a file, which the disk may refuse.
  func finish() throws(Failure) {
    guard case .file(let descriptor, let path) = self else { return }
    guard fsync(descriptor) == 0 || errno == EINVAL, close(descriptor) == 0 else {
      throw Failure("\(path): cannot write it: \(SystemError.text())")
    }
  }
}
