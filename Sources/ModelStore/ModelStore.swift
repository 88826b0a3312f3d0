package import Checkpoint
import Files
import Synchronization

/// The models that a server may serve, by the digest of their bytes, and which of them is live.
///
/// All of it is on disk before a call returns, and a kill at any moment leaves the store as it was before the call or
/// as it is after it. One process uses a folder at a time. May be called from any thread: questions are answered from
/// memory and never wait for the disk, bytes of uploads are written side by side, everything else one by one.
package final class ModelStore: Sendable {
  struct State {
    var index: VersionIndex
    /// What of `index.live` is not as it should be.
    var standing: LiveStanding
    /// Uploads under way and uploads waiting to be kept, by file, with the bytes that each is still to write.
    var uploads: [String: Int] = [:]
    /// Those of them that are whole.
    var staged: Set<String> = []
  }

  private static let digestPrefix = "sha256:"

  package let limits: StoreLimits
  let disk: StoreFolder
  let clock: @Sendable () -> WallTime
  let state: Mutex<State>
  /// Held through the few steps on disk that change what is kept or live; never while `state` is.
  let changes = Mutex<Void>(())

  /// What was found damaged in the folder when it was opened and what became of it; for the log.
  package let notices: [String]

  /// Opens `folder` or makes it, for this user alone; the folder above it must be there. Clears what a kill has left
  /// behind, finishes what it can and reads the live model through: where its bytes or the record are damaged, the
  /// newest whole model that is known to have been live is, and `notices` and `standing` say why.
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

  /// Newest first.
  package func versions() -> [StoredVersion] { state.withLock { $0.index.list } }

  /// What is live, what was before, since when and by whom; nil before the first.
  package var live: LiveRecord? { state.withLock { $0.index.live } }

  /// What of `live` is not as it should be.
  package var standing: LiveStanding { state.withLock { $0.standing } }

  /// The file of a version that is kept. It may go as soon as it is neither live, previous nor pinned.
  package func path(of version: ModelVersion) -> String? {
    state.withLock { $0.index.contains(version) } ? disk.path(of: version) : nil
  }

  /// The version that begins with the digits, in either case, all 64 or at least the first eight; `sha256:` may stand
  /// before them, as in the digests of container images.
  package func version(matching prefix: String) throws(StoreError) -> StoredVersion {
    var digits = prefix.lowercased()
    if digits.hasPrefix(Self.digestPrefix) { digits.removeFirst(Self.digestPrefix.count) }
    guard StoreLimits.shortestPrefix...2 * SHA256.byteCount ~= digits.utf8.count,
      digits.utf8.allSatisfy({ HexDigits.value($0) != nil })
    else {
      let shown = String(prefix.prefix(2 * SHA256.byteCount))
      throw .malformedVersion(shown, least: StoreLimits.shortestPrefix)
    }
    let found = state.withLock { state in
      state.index.matches(digits).compactMap { state.index[$0] }
    }
    guard found.count <= 1 else { throw .ambiguousVersion(digits, count: found.count) }
    guard let version = found.first else { throw .unknownVersion(digits) }
    return version
  }

  /// Reads a version's bytes through and compares their digest with its name.
  ///
  /// - Parameter isCancelled: Asked before each piece; true ends it with `StoreError.cancelled`.
  package func verify(
    _ version: ModelVersion, unless isCancelled: () -> Bool = { false }
  ) throws(StoreError) {
    guard path(of: version) != nil else { throw .unknownVersion(version.hex) }
    try disk.verify(version, unless: isCancelled)
  }

  /// Runs steps that change the disk, after those of another thread.
  func changing<Result: Sendable>(
    _ steps: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    try changes.withLock { (_) throws(StoreError) in try steps() }
  }
}
