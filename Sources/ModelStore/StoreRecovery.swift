import Checkpoint

/// What an earlier process left in a store's folder, put in order.
struct StoreRecovery {
  private let disk: StoreFolder
  private let clock: @Sendable () -> WallTime
  private(set) var index = VersionIndex()
  /// What was found damaged or out of place and what became of it, one sentence each.
  private(set) var notices: [String] = []

  init(_ disk: StoreFolder, clock: @escaping @Sendable () -> WallTime) throws(StoreError) {
    self.disk = disk
    self.clock = clock
    try clearIncoming()
    try readVersions()
    readLive()
  }

  /// Uploads that never ended and records that never got their name.
  private mutating func clearIncoming() throws(StoreError) {
    for name in try disk.incoming.names() {
      do {
        try disk.incoming.remove(name)
      } catch {
        notices.append("\(error)")
      }
    }
  }

  private mutating func readVersions() throws(StoreError) {
    for name in try disk.versions.names() {
      if name.hasSuffix(StoreFolder.recordSuffix) {
        try clearRecord(name)
      } else if let version = ModelVersion(digits: name) {
        readVersion(version)
      } else {
        notices.append("\(disk.versions.path(of: name)) is not of this store: ignored")
      }
    }
  }

  /// A record without a model: one that was about to come, or one that was being removed.
  private func clearRecord(_ name: String) throws(StoreError) {
    let digits = String(name.dropLast(StoreFolder.recordSuffix.count))
    guard ModelVersion(digits: digits) != nil, disk.versions.examine(digits) == nil else { return }
    try disk.versions.remove(name)
  }

  private mutating func readVersion(_ version: ModelVersion) {
    let path = disk.path(of: version)
    guard let file = disk.versions.examine(version.hex) else {
      notices.append("\(path) is not a regular file: ignored")
      return
    }
    do {
      let record = try disk.record(of: version)
      if record.byteCount == file.byteCount {
        index.insert(version, record)
        return
      }
      notices.append("\(path) has \(file.byteCount) bytes, its record says \(record.byteCount)")
    } catch {
      notices.append("\(error)")
    }
    restoreRecord(of: version, byteCount: file.byteCount, storedAt: file.changed)
  }

  /// A model whose record is of no use is kept under its digits, if it is whole.
  private mutating func restoreRecord(
    of version: ModelVersion, byteCount: Int, storedAt: WallTime
  ) {
    do {
      try disk.verify(version)
      let record = VersionRecord(
        name: version.short, by: "recovery", storedAt: storedAt.millisecondsSince1970,
        byteCount: byteCount)
      index.insert(version, record)
      try disk.write(record, of: version)
      try disk.versions.sync()
    } catch {
      notices.append("\(error)")
      // A file that is not what its name says is of no use to anybody; one that cannot be read may be yet.
      if case .damaged = error { try? disk.remove(version) }
    }
  }

  /// The first whole model of: what is live, what was before, and the same of the record before the last.
  private mutating func readLive() {
    guard disk.hasLive else { return }
    let readers: [() throws(StoreError) -> LiveDocument] = [disk.live, disk.formerLive]
    for read in readers {
      do {
        let document = try read()
        for digits in [document.version, document.previous].compactMap(\.self) {
          guard let version = ModelVersion(digits: digits), isWhole(version) else { continue }
          index.set(live: record(version, document))
          return
        }
      } catch {
        notices.append("\(error)")
      }
    }
    notices.append("no model that was live is left")
  }

  private mutating func isWhole(_ version: ModelVersion) -> Bool {
    do throws(StoreError) {
      guard index.contains(version) else { throw .unknownVersion(version.hex) }
      try disk.verify(version)
      return true
    } catch {
      notices.append("what was live cannot be used: \(error)")
      if case .damaged = error {
        index.remove(version)
        try? disk.remove(version)
      }
      return false
    }
  }

  private func record(_ version: ModelVersion, _ document: LiveDocument) -> LiveRecord {
    guard version.hex == document.version else {
      return LiveRecord(version: version, previous: nil, since: clock(), by: "recovery")
    }
    let previous = document.previous.flatMap { ModelVersion(digits: $0) }
    return LiveRecord(
      version: version, previous: previous.flatMap { index.contains($0) ? $0 : nil },
      since: WallTime(millisecondsSince1970: document.since), by: document.by)
  }
}
