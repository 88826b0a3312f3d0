package import Glibc

/// A file that replaces another at once, when all of it is on disk.
@safe
package struct AtomicFile: ~Copyable {
  /// Limit on the names tried for the temporary file, because a dead process may have left one.
  private static let attemptLimit = 16

  private let path: String
  private let temporaryPath: String
  /// Descriptor for code that writes by itself, after all that was written before.
  package let descriptor: CInt

  /// Calls `body` with a new file in the same folder and renames it to `path`; after any failure
  /// the old file is untouched and nothing is left next to it.
  ///
  /// - Parameter followsLink: Whether a symbolic link at `path` stays and the file that it leads to
  ///   is replaced; else the link itself is.
  package static func write<Failure: Error>(
    to path: String, mode: mode_t = 0o666, followsLink: Bool = true,
    orThrow failure: (FileError) -> Failure,
    _ body: (inout AtomicFile) throws(Failure) -> Void
  ) throws(Failure) {
    var file: AtomicFile
    do throws(FileError) {
      file = try AtomicFile(try target(of: path, followsLink: followsLink), mode)
    } catch {
      throw failure(error)
    }
    do throws(Failure) {
      try body(&file)
      do throws(FileError) { try file.commit() } catch { throw failure(error) }
    } catch {
      unsafe unlink(file.temporaryPath)
      throw error
    }
  }

  /// The same for a body that throws errors of files.
  package static func write(
    to path: String, mode: mode_t = 0o666, followsLink: Bool = true,
    _ body: (inout AtomicFile) throws(FileError) -> Void
  ) throws(FileError) {
    try write(to: path, mode: mode, followsLink: followsLink, orThrow: same, body)
  }

  private static func same(_ failure: FileError) -> FileError { failure }

  private init(_ path: String, _ mode: mode_t) throws(FileError) {
    self.path = path
    for attempt in 1... {
      let candidate = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).tmp"
      let descriptor = unsafe open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
      if descriptor >= 0 {
        temporaryPath = candidate
        self.descriptor = descriptor
        return
      }
      guard errno == EEXIST, attempt < Self.attemptLimit else { throw FileError("write", path) }
    }
    preconditionFailure("the loop ends by itself")
  }

  /// Returns the file to be replaced: the target of a symbolic link instead of the link, unless
  /// that is not to be followed, and never a device or a pipe.
  private static func target(
    of path: String, followsLink: Bool
  ) throws(FileError) -> String {
    var status = stat()
    let isThere = unsafe followsLink ? stat(path, &status) : lstat(path, &status)
    guard isThere == 0 else { return path }
    let isLink = status.st_mode & S_IFMT == S_IFLNK
    guard RegularFile.isRegular(status) || isLink else {
      throw FileError(
        "replace", path, reason: "it is not a regular file; name one, or a new file")
    }
    guard followsLink else { return path }
    guard let resolved = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  deinit { close(descriptor) }

  package mutating func write(_ bytes: RawSpan) throws(FileError) {
    guard FileOutput.write(bytes, to: descriptor) else { throw FileError("write", path) }
  }

  private borrowing func commit() throws(FileError) {
    guard fsync(descriptor) == 0 else { throw FileError("write", path) }
    guard unsafe rename(temporaryPath, path) == 0 else { throw FileError("replace", path) }
    // The rename itself lasts only when the folder is on disk too; the file is complete either way.
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let folderDescriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folderDescriptor >= 0 {
      fsync(folderDescriptor)
      close(folderDescriptor)
    }
  }
}
