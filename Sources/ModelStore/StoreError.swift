package import Checkpoint
import Files
import Glibc

/// Reason why the store cannot take, find or remove a model; kept models are untouched in every
/// case.
package enum StoreError: Error, Hashable, CustomStringConvertible {
  /// Failure of a system call: `doing` is what was tried, `reason` is the system's message.
  case file(path: String, doing: String, reason: String)
  /// Another process holds the lock of the folder.
  case folderInUse(path: String, lock: String)
  /// The folder is not there any more, or not the one that was opened.
  case folderFault(FolderFault)
  /// The disk, or the user's quota on it, has no room.
  case full(path: String, neededByteCount: Int, availableByteCount: Int)
  case uploadTooLarge(byteCount: Int, limit: Int)
  case tooManyUploads(limit: Int)
  /// An upload has more or fewer bytes than were announced.
  case wrongLength(byteCount: Int, expected: Int)
  case emptyUpload
  /// A call of `append` or `finish` after the upload ended by `finish`, `discard` or an error.
  case uploadEnded
  /// A call of `keep` with bytes that were kept or discarded before, or belong to another store.
  case notStaged(path: String)
  /// The versions in use and the new model together exceed the limit on all bytes.
  case noRoom(neededByteCount: Int, limit: Int)
  /// The limit on versions is reached, and all are in use.
  case noVersionFree(limit: Int)
  case textTooLong(what: String, byteCount: Int, limit: Int)
  /// The string has no digits of a digest, or too few of them.
  case malformedVersion(String, least: Int)
  case unknownVersion(String)
  case ambiguousVersion(String, count: Int)
  case versionInUse(ModelVersion, use: String)
  /// The bytes on disk do not match the version.
  case damaged(ModelVersion, path: String)
  /// The file of examples is damaged at a byte of all; so many examples before it are whole.
  case damagedExamples(offset: Int, byteCount: Int, wholeCount: Int)
  /// The caller no longer wants it.
  case cancelled
  /// The file is not one of this store's records.
  case malformedRecord(path: String, reason: String)

  package var description: String {
    switch self {
    case .file(let path, let doing, let reason): "cannot \(doing) \(path): \(reason)"
    case .folderInUse(let path, let lock):
      "another process uses the model store \(path) (it holds \(lock))"
    case .folderFault(let fault): fault.description
    case .full(let path, let needed, let available):
      "no room in \(path): \(needed) bytes are needed, \(available) are free"
    case .uploadTooLarge(let byteCount, let limit):
      "an upload of \(byteCount) bytes, at most \(limit) allowed"
    case .tooManyUploads(let limit): "\(limit) uploads are under way, no more are allowed"
    case .wrongLength(let byteCount, let expected):
      "an upload of \(byteCount) bytes, \(expected) were announced"
    case .emptyUpload: "the upload is empty"
    case .uploadEnded: "the upload has ended"
    case .notStaged(let path): "\(path) is not an upload that waits to be kept"
    case .noRoom(let needed, let limit):
      "the versions in use and the new one have \(needed) bytes, at most \(limit) are kept"
    case .noVersionFree(let limit): "all \(limit) versions that may be kept are in use"
    case .textTooLong(let what, let byteCount, let limit):
      "\(what): \(byteCount) bytes, at most \(limit) allowed"
    case .malformedVersion(let text, let least):
      "\(text) is not a version: at least \(least) hexadecimal digits of a SHA-256 are needed"
    case .unknownVersion(let text): "no version \(text) is kept"
    case .ambiguousVersion(let text, let count): "\(count) versions begin with \(text)"
    case .versionInUse(let version, let use): "version \(version) is \(use)"
    case .damaged(let version, let path):
      "\(path) is damaged: its bytes are not those of version \(version)"
    case .damagedExamples(let offset, let byteCount, let wholeCount):
      "the file examples is damaged at byte \(offset) of \(byteCount); \(wholeCount) examples before "
        + "that are whole"
    case .cancelled: "it was cancelled"
    case .malformedRecord(let path, let reason): "\(path) is not a record of the store: \(reason)"
    }
  }

  /// Error of a folder that cannot be made, since the one above it is missing.
  package static func noParent(of path: String) -> StoreError {
    .file(path: path, doing: "make", reason: "the folder above it is not there; make that first")
  }

  init(_ error: FileError) {
    self =
      error.number == 0
      ? .file(path: error.path, doing: error.doing, reason: error.reason)
      : .system(error.doing, error.path, number: error.number)
  }

  /// Translates a call's `errno`; for a lack of room, adds the numbers of `folder`.
  static func system(
    _ doing: String, _ path: String, number: CInt, in folder: Folder? = nil, byteCount: Int = 0
  ) -> StoreError {
    if number == ENOSPC || number == EDQUOT {
      return .full(
        path: folder?.path ?? path, neededByteCount: byteCount,
        availableByteCount: folder?.availableByteCount ?? 0)
    }
    return .file(path: path, doing: doing, reason: SystemError.text(number))
  }
}
