import Glibc

/// Room that is left on disks.
package enum FreeSpace {
  /// Returns the bytes that this user may still write to the file system of a file or folder; nil if
  /// the system does not tell.
  package static func byteCount(at path: String) -> Int? {
    var status = statvfs()
    return unsafe statvfs(path, &status) == 0 ? byteCount(status) : nil
  }

  /// The same of an open file or folder.
  package static func byteCount(of descriptor: CInt) -> Int? {
    var status = statvfs()
    return unsafe fstatvfs(descriptor, &status) == 0 ? byteCount(status) : nil
  }

  private static func byteCount(_ status: statvfs) -> Int? {
    guard status.f_blocks > 0 else { return nil }
    let (count, overflows) = Int(clamping: status.f_bavail).multipliedReportingOverflow(
      by: Int(clamping: status.f_frsize))
    return overflows ? .max : count
  }
}
