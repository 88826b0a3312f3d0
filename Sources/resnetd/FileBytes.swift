import Files
import Glibc

/// Whole files, read into memory.
enum FileBytes {
  /// Reads a file, or standard input for `-`; throws if it cannot be read or has more than `limit`
  /// bytes.
  static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
    let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fault("open") }
    defer { if path != "-" { close(descriptor) } }
    guard let bytes = FileInput.readAll(descriptor, limit: limit) else { throw fault("read") }
    guard bytes.count <= limit else { throw Failure("larger than \(limit) bytes") }
    return bytes
  }

  /// Writes a whole file, which takes the place of another at once; to a device or a pipe, the bytes.
  static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
    var status = stat()
    if unsafe stat(path, &status) != 0 || RegularFile.isRegular(status) {
      do throws(FileError) {
        // SAFETY: the elements are bytes.
        return try AtomicFile.write(to: path) { (file) throws(FileError) in
          try file.write(unsafe bytes.span.bytes)
        }
      } catch {
        throw Failure(error.description)
      }
    }
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Failure("\(path): \(fault("open").message)") }
    defer { close(descriptor) }
    guard unsafe FileOutput.write(bytes.span.bytes, to: descriptor) else {
      throw Failure("\(path): \(fault("write").message)")
    }
  }

  private static func fault(_ doing: String) -> Failure {
    Failure("cannot \(doing) it: \(SystemError.text())")
  }
}
