import Glibc

/// Room that is left on disks.
package enum FreeSpace {
  /// Returns the bytes that this process may still write to the file system of a file or folder; nil
  /// if the system does not tell.
  package static func byteCount(at path: String) -> Int? {
    var status = statvfs()
    guard unsafe statvfs(path, &status) == 0, status.f_blocks > 0 else { return nil }
    let (count, overflows) = Int(clamping: status.f_bavail).multipliedReportingOverflow(
      by: Int(clamping: status.f_frsize))
    return overflows ? .max : count
  }
}
