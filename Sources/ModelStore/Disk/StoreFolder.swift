import Checkpoint
import Files
import Glibc

/// The store on disk, and the order of the steps that a kill may interrupt.
///
/// `versions/<digits>` is a model and `versions/<digits>.json` its record, which is written first
/// and removed last: a record without its model is half a step. `incoming/` contains nothing that a
/// later process needs. A file is on disk before it gets its name, and the name is on disk before
/// the caller returns.
final class StoreFolder: Sendable {
  static let recordSuffix = ".json"
  static let liveName = "live.json"
  private static let formerName = "live.before.json"
  private static let followedName = "followed.json"
  static let lockName = "lock"
  private static let chunkByteCount = 1 << 20

  let root: Folder
  let versions: Folder
  let incoming: Folder
  /// Changes that have failed.
  let failures = DiskFailureCounts()
  /// Open as long as this process uses the folder.
  let lock: CInt

  init(
    _ path: String, hook: @escaping DiskHook, space: @escaping SpaceHook
  ) throws(StoreError) {
    root = try Folder(making: path, hook: hook, space: space, failures: failures)
    guard let lock = try root.lock(Self.lockName) else {
      throw .folderInUse(path: path, lock: root.path(of: Self.lockName))
    }
    do {
      versions = try Folder(making: "versions", in: root)
      incoming = try Folder(making: "incoming", in: root)
      try root.sync()
    } catch {
      close(lock)
      throw error
    }
    self.lock = lock
  }

  /// Opens a folder to read it alone, whoever uses it. Returns nil if it holds no store yet.
  ///
  /// A part that is missing counts as empty, since the next process makes it anew.
  init?(reading path: String) throws(StoreError) {
    guard let root = try Folder(reading: path, failures: failures) else { return nil }
    versions = try Folder(reading: "versions", in: root)
    incoming = try Folder(reading: "incoming", in: root)
    guard versions.isThere || root.contains(Self.liveName) || root.contains(Self.formerName) else {
      return nil
    }
    self.root = root
    lock = root.openLock(Self.lockName)
  }

  /// Whether another process has the lock of a folder that was opened to be read.
  var isInUse: Bool {
    guard lock >= 0 else { return false }
    let isFree = flock(lock, LOCK_SH | LOCK_NB) == 0
    if isFree { flock(lock, LOCK_UN) }
    return !isFree
  }

  deinit { if lock >= 0 { close(lock) } }

  func path(of version: ModelVersion) -> String { versions.path(of: version.hex) }
  func holds(_ version: ModelVersion) -> Bool { versions.examine(version.hex) != nil }

  // MARK: Versions

  func record(of version: ModelVersion) throws(StoreError) -> VersionRecord {
    try read(version.hex + Self.recordSuffix, in: versions)
  }

  func write(_ record: VersionRecord, of version: ModelVersion) throws(StoreError) {
    try write(record.json, as: version.hex + Self.recordSuffix, in: versions)
  }

  /// Makes a file in `incoming` the model of a version; after a failure it is in neither folder.
  func install(
    _ name: String, as version: ModelVersion, record: VersionRecord
  ) throws(StoreError) {
    do {
      try write(record, of: version)
      try incoming.rename(name, to: versions, as: version.hex)
      try versions.sync()
    } catch {
      discard(name)
      try? remove(version)
      throw error
    }
  }

  /// Replaces the stored bytes with the same bytes, known to be whole.
  func replace(_ version: ModelVersion, with name: String) throws(StoreError) {
    do {
      try incoming.rename(name, to: versions, as: version.hex)
      try versions.sync()
    } catch {
      discard(name)
      throw error
    }
  }

  func remove(_ version: ModelVersion) throws(StoreError) {
    try versions.remove(version.hex)
    try versions.remove(version.hex + Self.recordSuffix)
    try versions.sync()
  }

  /// Removes a file of an upload, or leaves it to be removed when the store is opened again.
  func discard(_ name: String) { try? incoming.remove(name) }

  /// Reads all of a version's bytes and compares their digest.
  ///
  /// - Parameter isCancelled: Called before each piece; true ends it.
  func verify(_ version: ModelVersion, unless isCancelled: () -> Bool) throws(StoreError) {
    let path = path(of: version)
    var digest = try SHA256.begin(for: path)
    let file = try versions.open(version.hex)
    let failure = { (error: FileError) in StoreError(error) }
    try file.readPieces(
      { bytes throws(StoreError) in
        if isCancelled() { throw .cancelled }
        digest.update(bytes)
        return true
      }, orThrow: failure)
    guard ModelVersion(digest: digest.finish()) == version else {
      throw .damaged(version, path: path)
    }
  }

  // MARK: Live version

  /// Returns the live version's record, or nil if there is none.
  func live() throws(StoreError) -> LiveDocument? { try document(Self.liveName) }

  /// Returns the record before the last change, or nil if there is none.
  func formerLive() throws(StoreError) -> LiveDocument? { try document(Self.formerName) }

  private func document(_ name: String) throws(StoreError) -> LiveDocument? {
    root.contains(name) ? try read(name, in: root) : nil
  }

  /// Records the live version, and keeps `former` next to it in case the record itself is damaged.
  func write(live: LiveDocument, former: LiveDocument?) throws(StoreError) {
    if let former { try write(former.json, as: Self.formerName, in: root) }
    try write(live.json, as: Self.liveName, in: root)
    do {
      try root.sync()
    } catch {
      // Renamed but perhaps not durable: the version that the caller goes on serving gets the name
      // back.
      if let former {
        try? write(former.json, as: Self.liveName, in: root)
      } else {
        try? root.remove(Self.liveName)
      }
      throw error
    }
  }

  // MARK: Followed version

  func followed() throws(StoreError) -> FollowedDocument { try read(Self.followedName, in: root) }

  func write(followed: FollowedDocument) throws(StoreError) {
    try write(followed.json, as: Self.followedName, in: root)
    try root.sync()
  }

  // MARK: Small files

  private func write(
    _ bytes: [UInt8], as name: String, in folder: Folder
  ) throws(StoreError) {
    let file = try StagedFile(in: incoming)
    do {
      try unsafe file.write(bytes.span.bytes)
      try file.sync()
      try incoming.rename(file.name, to: folder, as: name)
    } catch {
      discard(file.name)
      throw error
    }
  }

  private func read<Record: StoreRecord>(
    _ name: String, in folder: Folder
  ) throws(StoreError) -> Record {
    let file = try folder.open(name)
    let limit = StoreLimits.recordByteLimit
    guard file.byteCount <= limit else {
      throw .malformedRecord(path: file.path, reason: "more than \(limit) bytes")
    }
    let json: [UInt8]
    do throws(FileError) { json = try file.readAll(limit: limit) } catch { throw StoreError(error) }
    return try Record(json: json, path: file.path)
  }
}

extension SHA256 {
  /// Begins a digest of the file at `path`; if the library lacks the algorithm, the error names the
  /// file.
  static func begin(for path: String) throws(StoreError) -> SHA256 {
    do {
      return try SHA256()
    } catch {
      throw .file(path: path, doing: "digest", reason: "\(error)")
    }
  }
}
