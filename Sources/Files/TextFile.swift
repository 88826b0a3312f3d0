import Glibc

/// Small files that the system or this program writes.
package enum TextFile {
  /// Returns at most the first `byteLimit` bytes as a string, or nil if the file cannot be read.
  package static func read(_ path: String, byteLimit: Int = 1 << 20) -> String? {
    guard let file = try? RegularFile(path),
      let bytes = FileInput.readAll(file.descriptor, limit: byteLimit)
    else { return nil }
    return String(decoding: bytes.prefix(byteLimit), as: UTF8.self)
  }

  /// Writes the string to a temporary file and renames that to `path`, making its folder if it is
  /// missing. If the system refuses, the old file is untouched.
  package static func replace(_ path: String, with string: String) throws(FileError) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    if !folder.isEmpty { try makeFolder(folder) }
    let bytes = Array(string.utf8)
    try AtomicFile.write(to: path, mode: 0o644, followsLink: false) { file throws(FileError) in
      // SAFETY: the elements are bytes.
      try unsafe file.write(bytes.span.bytes)
    }
  }

  /// Makes a folder and those above it, for this user alone.
  private static func makeFolder(_ path: String) throws(FileError) {
    if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let end = path.lastIndex(of: "/"), end > path.startIndex else {
      throw FileError("make", path)
    }
    try makeFolder(String(path[..<end]))
    guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileError("make", path) }
  }
}
