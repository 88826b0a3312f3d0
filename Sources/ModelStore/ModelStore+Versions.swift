package import Checkpoint
import Synchronization

extension ModelStore {
  /// Records what is live; what was live becomes the previous version. Nothing changes where it is live already.
  ///
  /// When it returns, the record is on disk. When it throws, the record is as it was, in memory and, unless the disk
  /// fails twice, on it.
  package func recordLive(_ version: ModelVersion, by: String) throws(StoreError) {
    try Self.check(by, "name of who makes a model live")
    try changing { () throws(StoreError) in
      let (isKept, former) = state.withLock { ($0.index.contains(version), $0.index.live) }
      guard isKept else { throw .unknownVersion(version.hex) }
      guard version != former?.version else { return }
      let live = LiveRecord(version: version, previous: former?.version, since: clock(), by: by)
      try disk.write(live: LiveDocument(live), former: former.map { LiveDocument($0) })
      state.withLock { $0.index.set(live: live) }
    }
  }

  /// Keeps a version from being removed, until `unpin` was called as often.
  package func pin(_ version: ModelVersion) throws(StoreError) {
    try state.withLock { (state) throws(StoreError) in
      guard state.index.contains(version) else { throw .unknownVersion(version.hex) }
      state.index.pin(version)
    }
  }

  package func unpin(_ version: ModelVersion) { state.withLock { $0.index.unpin(version) } }

  /// Removes a version that is neither live, previous nor pinned.
  package func remove(_ version: ModelVersion) throws(StoreError) {
    try changing { () throws(StoreError) in try takeAway(version) }
  }

  /// Removes the oldest versions over a limit that are not in use. One that the disk does not give up is tried again
  /// the next time; `spared` stays.
  func evict(sparing spared: ModelVersion? = nil) {
    let limits = limits
    try? changing { () throws(StoreError) in
      let going = try state.withLock { (state) throws(StoreError) in
        try state.index.evictions(limits: limits, sparing: spared)
      }
      for version in going { try? takeAway(version) }
    }
  }

  /// First out of the index, so that nobody begins to use it meanwhile; back into it where the disk refuses.
  private func takeAway(_ version: ModelVersion) throws(StoreError) {
    let record = try state.withLock { (state) throws(StoreError) in
      guard let record = state.index.records[version] else {
        throw .unknownVersion(version.hex)
      }
      if let use = state.index.use(of: version) { throw .versionInUse(version, use: use) }
      state.index.remove(version)
      return record
    }
    do {
      try disk.remove(version)
    } catch {
      if disk.holds(version) { state.withLock { $0.index.insert(version, record) } }
      throw error
    }
  }
}
