import Glibc

/// Small files that the system or this program writes.
package enum TextFile {
  private static let chunkByteCount = 16 << 10

  /// Returns at most the first `byteLimit` bytes as a string; nil for a file that cannot be read.
  package static func read(_ path: String, byteLimit: Int = 1 << 20) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: chunkByteCount)
    while bytes.count < byteLimit {
      let count = unsafe chunk.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes.prefix(byteLimit), as: UTF8.self)
  }

  /// Writes the string to a temporary file and renames that to `path`, whose folder is made if it
  /// is missing; false if the system refuses, with the old file untouched.
  package static func replace(_ path: String, with string: String) -> Bool {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    guard folder.isEmpty || makeFolder(folder) else { return false }
    let aside = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).tmp"
    let descriptor = unsafe open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return false }
    let bytes = Array(string.utf8)
    let count = unsafe bytes.withUnsafeBytes {
      unsafe write(descriptor, $0.baseAddress, $0.count)
    }
    let isWritten = count == bytes.count && fsync(descriptor) == 0
    close(descriptor)
    guard isWritten, unsafe rename(aside, path) == 0 else {
      unsafe unlink(aside)
      return false
    }
    return true
  }

  /// Makes a folder and those above it, for this user alone.
  private static func makeFolder(_ path: String) -> Bool {
    if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return true }
    guard errno == ENOENT, let end = path.lastIndex(of: "/"), end > path.startIndex,
      makeFolder(String(path[..<end]))
    else { return false }
    return unsafe mkdir(path, 0o700) == 0 || errno == EEXIST
  }
}
