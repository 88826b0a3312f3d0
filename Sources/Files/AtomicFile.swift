package import Glibc

/// A file that replaces another at once, when all of it is on disk.
///
/// Until then it has no name, so that nothing is left of it however the process ends; where the file
/// system has no such files, it has a name of its own in the same folder.
@safe
package struct AtomicFile: ~Copyable {
  /// Limit on the names tried for the temporary file, because a dead process may have left one.
  private static let attemptLimit = 16
  /// `O_TMPFILE` of Linux, a macro of macros.
  private static let withoutName: CInt = 0o20_000_000 | O_DIRECTORY

  private let path: String
  /// Name of the file before it has its own; nil while it has none.
  private var temporaryPath: String?
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
      if let name = file.temporaryPath { unsafe unlink(name) }
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
    if let unnamed = Self.unnamed(in: Self.folder(of: path), mode) {
      (temporaryPath, descriptor) = (nil, unnamed)
      return
    }
    for attempt in 1... {
      let candidate = Self.candidate(for: path)
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

  private static func candidate(for path: String) -> String {
    "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).tmp"
  }

  private static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
  }

  /// Path of an open file, by which it can be given a name.
  private static func place(of descriptor: CInt) -> String { "/proc/self/fd/\(descriptor)" }

  /// Returns a file without a name; nil where there are none, or none that could be named later.
  private static func unnamed(in folder: String, _ mode: mode_t) -> CInt? {
    let descriptor = unsafe open(folder, O_WRONLY | O_CLOEXEC | withoutName, mode)
    guard descriptor >= 0 else { return nil }
    guard unsafe access(place(of: descriptor), F_OK) == 0 else {
      close(descriptor)
      return nil
    }
    return descriptor
  }

  /// Gives the file a name beside its own, if it has none.
  private mutating func name() throws(FileError) -> String {
    if let temporaryPath { return temporaryPath }
    for attempt in 1... {
      let candidate = Self.candidate(for: path)
      let place = Self.place(of: descriptor)
      if unsafe linkat(AT_FDCWD, place, AT_FDCWD, candidate, AT_SYMLINK_FOLLOW) == 0 {
        temporaryPath = candidate
        return candidate
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

  private mutating func commit() throws(FileError) {
    guard fsync(descriptor) == 0 else { throw FileError("write", path) }
    let name = try name()
    guard unsafe rename(name, path) == 0 else { throw FileError("replace", path) }
    // The rename itself lasts only when the folder is on disk too; the file is complete either way.
    let folderDescriptor = unsafe open(Self.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folderDescriptor >= 0 {
      fsync(folderDescriptor)
      close(folderDescriptor)
    }
  }
}
