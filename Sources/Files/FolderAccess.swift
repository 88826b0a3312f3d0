import Glibc

/// Whether files can be made in a folder, which is open or, with `AT_FDCWD`, named by its path.
package enum FolderAccess {
  /// `O_TMPFILE` of Linux, a macro of macros.
  private static let withoutName: CInt = 0o20_000_000 | O_DIRECTORY

  /// Returns the system's reason why this user may not make files there; nil if it may.
  package static func reasonNotPermitted(_ folder: CInt, _ path: String = ".") -> String? {
    unsafe faccessat(folder, path, W_OK | X_OK, 0) == 0 ? nil : SystemError.text()
  }

  /// Returns the system's reason why a file cannot be made there although that is permitted, as on a file
  /// system that an error has made read-only; nil if it can.
  ///
  /// The file has no name, and nothing is left of it.
  package static func reasonNotMade(_ folder: CInt, _ path: String = ".") -> String? {
    let file = unsafe openat(folder, path, O_WRONLY | O_CLOEXEC | withoutName, 0o600)
    guard file < 0 else {
      close(file)
      return nil
    }
    // No room is another fault, and some file systems have no such files.
    return [EROFS, EIO, EACCES, EPERM].contains(errno) ? SystemError.text() : nil
  }
}
