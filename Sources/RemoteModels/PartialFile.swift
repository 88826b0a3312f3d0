import Checkpoint
import Files
import Glibc

/// The beginning of a file that is being fetched, kept until it is complete, with a note of its
/// source.
///
/// The note is written after the truncation and before the first byte, so however the process ends,
/// an existing note is true of the existing bytes. One process at a time owns the file.
package final class PartialFile: RemoteSink {
  private static let noteByteLimit = RemoteSource.addressByteLimit + 512

  package let path: String
  /// Attempts to lock the file after the first one, and microseconds between them.
  private static let lockAttemptLimit = 20
  private static let lockInterval: UInt32 = 10_000

  private let notePath: String
  private let descriptor: CInt
  private var address = ""
  private var byteLimit = 0
  private var progress: (Int, Int?) -> Void = { _, _ in }
  private(set) var byteCount = 0
  /// Tag of the file whose first bytes are here, or nil if there are none to continue from.
  private(set) var etag: String?
  /// Whether the bytes come from more than one answer.
  private(set) var isJoined = false

  package init(_ path: String) throws(RemoteError) {
    self.path = path
    notePath = path + ".source"
    // Non-blocking, because opening a pipe that nobody reads would wait forever. Not through a
    // link, because a file elsewhere is not ours.
    descriptor = unsafe open(
      path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
    guard descriptor >= 0 else { throw Self.failure("write", path) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw Self.failure("examine", path) }
    guard RegularFile.isRegular(status) else {
      throw .file(path: path, doing: "write", reason: "not a regular file")
    }
    // A child has this process' descriptors until it runs its own program.
    var patience = Self.lockAttemptLimit
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0, patience > 0 {
      patience -= 1
      usleep(Self.lockInterval)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw .file(path: path, doing: "write", reason: "another process is fetching it")
    }
    // Another process may have finished between the opening and the lock.
    guard unsafe fstat(descriptor, &status) == 0, status.st_nlink > 0 else {
      throw .file(path: path, doing: "write", reason: "another process has just removed it")
    }
    byteCount = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Deletes the file and its note.
  package func remove() {
    unsafe unlink(notePath)
    unsafe unlink(path)
  }

  /// Continues if the file is the beginning of the one at `address`, and otherwise begins again.
  func resume(
    _ address: String, byteLimit: Int, progress: @escaping (Int, Int?) -> Void
  ) throws(RemoteError) {
    self.address = address
    self.byteLimit = byteLimit
    self.progress = progress
    guard 1...byteLimit ~= byteCount, let etag = notedTag() else { return try restart() }
    self.etag = etag
    isJoined = true
    guard lseek(descriptor, 0, SEEK_END) == byteCount else { throw Self.failure("read", path) }
  }

  func restart() throws(RemoteError) {
    unsafe unlink(notePath)
    guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
      throw Self.failure("write", path)
    }
    byteCount = 0
    etag = nil
    isJoined = false
  }

  /// Returns the digest of all bytes that are here.
  func version() throws(RemoteError) -> ModelVersion {
    do throws(CheckpointError) {
      var digest = try SHA256.begin()
      if byteCount > 0 { try Model.readFile(path) { digest.update($0) } }
      return ModelVersion(digest: digest.finish())
    } catch {
      throw .file(path: path, doing: "check", reason: error.description)
    }
  }

  func begin(at start: Int, etag: String?) throws(RemoteError) {
    if start > 0 {
      isJoined = true
      return
    }
    try restart()
    if let etag, Self.isStrong(etag) {
      try note(etag)
      self.etag = etag
    }
  }

  func take(_ bytes: RawSpan, announced: Int?) throws(RemoteError) {
    guard bytes.byteCount <= byteLimit - byteCount, announced ?? 0 <= byteLimit else {
      throw .tooLarge(address: address, limit: byteLimit)
    }
    try Self.write(bytes, descriptor, path)
    byteCount += bytes.byteCount
    progress(byteCount, announced)
  }
}

extension PartialFile {
  /// Writes two lines: the address, and the tag of the file there.
  private func note(_ etag: String) throws(RemoteError) {
    let descriptor = unsafe open(
      notePath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o666)
    guard descriptor >= 0 else { throw Self.failure("write", notePath) }
    defer { close(descriptor) }
    let text = Array("\(address)\n\(etag)\n".utf8)
    try unsafe Self.write(text.span.bytes, descriptor, notePath)
  }

  /// Returns the tag, or nil if there is no complete note for this address.
  private func notedTag() -> String? {
    guard let file = try? RegularFile(notePath, followsLink: false),
      let bytes = try? file.readAll(limit: Self.noteByteLimit)
    else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    guard lines.count == 3, lines[0] == address, lines[2].isEmpty else { return nil }
    let etag = String(lines[1])
    return Self.isStrong(etag) ? etag : nil
  }

  /// Returns whether it follows RFC 9110 section 8.8.3: quoted, and without the `W/` of a weak tag.
  ///
  /// It becomes a header line again.
  private static func isStrong(_ etag: String) -> Bool {
    guard etag.utf8.count >= 2, etag.hasPrefix("\""), etag.hasSuffix("\"") else { return false }
    return etag.utf8.dropFirst().dropLast().allSatisfy { $0 == 0x21 || 0x23...0x7e ~= $0 }
  }

  private static func write(
    _ bytes: RawSpan, _ descriptor: CInt, _ path: String
  ) throws(RemoteError) {
    guard FileOutput.write(bytes, to: descriptor) else { throw failure("write", path) }
  }

  private static func failure(_ doing: String, _ path: String) -> RemoteError {
    let error = FileError(doing, path)
    return .file(path: path, doing: doing, reason: error.reason)
  }
}
