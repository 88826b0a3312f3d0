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
  /// missing. Returns false if the system refuses, with the old file untouched.
  package static func replace(_ path: String, with string: String) -> Bool {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    guard folder.isEmpty || makeFolder(folder) else { return false }
    let bytes = Array(string.utf8)
    do throws(FileError) {
      try AtomicFile.write(to: path, mode: 0o644, followsLink: false) { file throws(FileError) in
        // SAFETY: the elements are bytes.
        try unsafe file.write(bytes.span.bytes)
      }
      return true
    } catch {
      return false
    }
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
