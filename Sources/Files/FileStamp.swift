package import Glibc

/// State of a file, by which a change of it is noticed.
package struct FileStamp: Equatable, Sendable {
  private var inode: UInt
  private var size: Int
  private var modified: Int
  /// Also changes with owner and permissions, which decide whether the file can be read.
  private var changed: Int

  /// Returns nil if there is nothing at the path; what a link leads to counts, not the link.
  package init?(_ path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  package init(_ status: stat) {
    inode = UInt(status.st_ino)
    size = Int(status.st_size)
    modified = Self.nanoseconds(status.st_mtim)
    changed = Self.nanoseconds(status.st_ctim)
  }

  /// Returns nanoseconds, equal for equal times, and wraps since a file's time can be any number.
  private static func nanoseconds(_ time: timespec) -> Int {
    time.tv_sec &* 1_000_000_000 &+ time.tv_nsec
  }
}
