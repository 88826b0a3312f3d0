import Checkpoint

/// The store's contents in memory, which answer every query and decide what may be removed.
struct VersionIndex {
  private(set) var records: [ModelVersion: VersionRecord] = [:]
  private(set) var live: LiveRecord?
  /// Number of pins of each version.
  private var pins: [ModelVersion: Int] = [:]

  func contains(_ version: ModelVersion) -> Bool { records[version] != nil }

  mutating func insert(_ version: ModelVersion, _ record: VersionRecord) {
    records[version] = record
  }

  mutating func remove(_ version: ModelVersion) { records[version] = nil }

  mutating func set(live record: LiveRecord?) { live = record }

  /// Records the time that a version became live.
  mutating func set(lastLive moment: WallTime, of version: ModelVersion) {
    records[version]?.lastLive = moment.millisecondsSince1970
  }

  mutating func pin(_ version: ModelVersion) { pins[version, default: 0] += 1 }

  mutating func unpin(_ version: ModelVersion) {
    guard let count = pins[version] else { return }
    pins[version] = count > 1 ? count - 1 : nil
  }

  subscript(version: ModelVersion) -> StoredVersion? {
    guard let record = records[version] else { return nil }
    let state: StoredVersion.State =
      version == live?.version ? .live : version == live?.previous ? .previous : .kept
    return StoredVersion(
      version: version, name: record.name, byteCount: record.byteCount,
      storedAt: WallTime(millisecondsSince1970: record.storedAt), by: record.by, state: state,
      isPinned: pins[version] != nil)
  }

  /// Versions, newest first; those of the same moment in order of their digits.
  var list: [StoredVersion] {
    records.keys.compactMap { self[$0] }.sorted { left, right in
      left.storedAt != right.storedAt
        ? left.storedAt > right.storedAt : left.version.hex < right.version.hex
    }
  }

  /// Returns the reason why a version must stay, or nil if it may go.
  func use(of version: ModelVersion) -> String? {
    if version == live?.version { return "live" }
    if version == live?.previous { return "what a rollback goes to" }
    return pins[version] != nil ? "pinned" : nil
  }

  /// Returns all versions that begin with the digits.
  func matches(_ prefix: String) -> [ModelVersion] {
    records.keys.filter { $0.hex.utf8.starts(with: prefix.utf8) }
  }

  /// Returns the oldest versions that must go so that the rest is within the limits.
  ///
  /// The rest includes a new version of `byteCount` bytes, if given, and the ones removed never
  /// include `spared`. Throws if the versions in use leave no room for it.
  func evictions(
    for byteCount: Int? = nil, limits: StoreLimits, sparing spared: ModelVersion? = nil
  ) throws(StoreError) -> [ModelVersion] {
    var count = records.count + (byteCount == nil ? 0 : 1)
    // Wider than any sum of sizes.
    var total = records.values.reduce(Int128(byteCount ?? 0)) { $0 + Int128($1.byteCount) }
    var going: [ModelVersion] = []
    let candidates = list.reversed().filter { $0.version != spared && use(of: $0.version) == nil }
    for candidate in candidates {
      if count <= limits.versionCountLimit && total <= Int128(limits.totalByteLimit) { break }
      going.append(candidate.version)
      count -= 1
      total -= Int128(candidate.byteCount)
    }
    // After a limit was lowered, versions in use stay, but nothing may be added.
    guard byteCount != nil else { return going }
    guard count <= limits.versionCountLimit else {
      throw .noVersionFree(limit: limits.versionCountLimit)
    }
    guard total <= Int128(limits.totalByteLimit) else {
      throw .noRoom(neededByteCount: Int(clamping: total), limit: limits.totalByteLimit)
    }
    return going
  }
}
