package import Checkpoint
import Files
import Synchronization

/// Models that a server may serve, by the digest of their bytes, and which of them is live.
///
/// Everything is on disk before a call returns, and a kill at any moment leaves the store as before
/// or after the call. One process uses a folder at a time. May be called from any thread: queries
/// are answered from memory and never wait for the disk, bytes of uploads are written in parallel,
/// everything else one by one.
package final class ModelStore: Sendable {
  struct State {
    var index: VersionIndex
    /// Faults of `index.live`, if any.
    var standing: LiveStanding
    /// Bytes still to be written of uploads under way and waiting to be kept, by file.
    var uploads: [String: Int] = [:]
    /// Uploads that are whole.
    var staged: Set<String> = []
    /// Fault of the folder as it was last looked at.
    var folderFault: FolderFault?
  }

  package let limits: StoreLimits
  let disk: StoreFolder
  let clock: @Sendable () -> WallTime
  let state: Mutex<State>
  /// Held through the few steps on disk that change the versions or the live one; never while
  /// `state` is.
  let changes = Mutex<Void>(())

  /// Damage found in the folder when it was opened and its outcome, for the log.
  package let notices: [String]

  /// Opens `folder` or creates it for this user alone; the folder above it must exist.
  ///
  /// Removes the remains of a kill, finishes what it can and reads all of the live model. If its
  /// bytes or the record are damaged, the newest whole model that is known to have been live takes
  /// its place, and `notices` and `standing` say why.
  package init(
    folder: String, limits: StoreLimits = StoreLimits(),
    clock: @escaping @Sendable () -> WallTime = { .now },
    disk hook: @escaping DiskHook = { _ in 0 }, space: @escaping SpaceHook = { $0 }
  ) throws(StoreError) {
    let disk = try StoreFolder(folder, hook: hook, space: space)
    let recovery = try StoreRecovery(disk, clock: clock)
    self.limits = limits
    self.clock = clock
    self.disk = disk
    notices = recovery.notices
    state = Mutex(State(index: recovery.index, standing: recovery.standing))
    evict()
  }

  /// Returns the versions, newest first.
  package func versions() -> [StoredVersion] { state.withLock { $0.index.list } }

  /// The live version, its predecessor, and when and by whom it was made live; nil before the
  /// first.
  package var live: LiveRecord? { state.withLock { $0.index.live } }

  /// Faults of `live`, if any.
  package var standing: LiveStanding { state.withLock { $0.standing } }

  /// Returns the file of a kept version, which may go as soon as it is not live, previous or
  /// pinned.
  package func path(of version: ModelVersion) -> String? {
    state.withLock { $0.index.contains(version) } ? disk.path(of: version) : nil
  }

  /// Returns the version that begins with the digits, in either case: all 64 or at least the first
  /// eight.
  ///
  /// `sha256:` may precede them, as in the digests of container images.
  package func version(matching prefix: String) throws(StoreError) -> StoredVersion {
    let digits = ModelVersion.digits(in: prefix)
    guard ModelVersion.leastDigitCount...2 * SHA256.byteCount ~= digits.utf8.count,
      digits.utf8.allSatisfy({ HexDigits.value($0) != nil })
    else {
      let shown = String(prefix.prefix(2 * SHA256.byteCount))
      throw .malformedVersion(shown, least: ModelVersion.leastDigitCount)
    }
    let found = state.withLock { state in
      state.index.matches(digits).compactMap { state.index[$0] }
    }
    guard found.count <= 1 else { throw .ambiguousVersion(digits, count: found.count) }
    guard let version = found.first else { throw .unknownVersion(digits) }
    return version
  }

  /// Reads all of a version's bytes and compares their digest with its name.
  ///
  /// - Parameter isCancelled: Called before each piece; true ends it with `StoreError.cancelled`.
  package func verify(
    _ version: ModelVersion, unless isCancelled: () -> Bool = { false }
  ) throws(StoreError) {
    guard path(of: version) != nil else { throw .unknownVersion(version.hex) }
    try disk.verify(version, unless: isCancelled)
  }

  /// Runs steps that change the disk, after those of any other thread. Throws if a restart would not
  /// find what they write.
  ///
  /// - Parameter clear: Called in place of the steps then.
  func changing<Result: Sendable>(
    _ steps: () throws(StoreError) -> Result, orElse clear: () -> Void = {}
  ) throws(StoreError) -> Result {
    try changes.withLock { (_) throws(StoreError) in
      do throws(StoreError) {
        try requireFolder()
      } catch {
        clear()
        throw error
      }
      return try steps()
    }
  }
}
