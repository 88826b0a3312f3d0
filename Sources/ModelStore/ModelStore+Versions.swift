package import Checkpoint
import Synchronization

extension ModelStore {
  /// Records what is live; what was live becomes the previous version. Nothing changes where that is recorded already.
  ///
  /// When it returns, the record is on disk. When it throws, the record is as it was, in memory and, unless the disk
  /// fails twice, on it.
  ///
  /// - Parameter isChosen: False for what a server's options name, which those of its next start may change.
  package func recordLive(
    _ version: ModelVersion, by: String, isChosen: Bool = true
  ) throws(StoreError) {
    try Self.check(by, "name of who makes a model live")
    try changing { () throws(StoreError) in
      try record(version, by: by, isChosen: isChosen)
    }
  }

  /// Records what was taken for live without a record; what it was, or nil where the record is as it should be.
  package func recordAssumed() throws(StoreError) -> ModelVersion? {
    try changing { () throws(StoreError) in
      let (live, standing) = state.withLock { ($0.index.live, $0.standing) }
      guard let live, standing.recordFault != nil else { return nil }
      try record(live.version, by: live.by, isChosen: live.isChosen)
      return live.version
    }
  }

  private func record(
    _ version: ModelVersion, by: String, isChosen: Bool
  ) throws(StoreError) {
    let (former, standing) = try state.withLock {
      (state) throws(StoreError) -> (LiveRecord?, LiveStanding) in
      guard state.index.contains(version) else { throw .unknownVersion(version.hex) }
      return (state.index.live, state.standing)
    }
    let isLive = version == former?.version
    if let former, isLive, standing == LiveStanding(), former.isChosen || !isChosen { return }
    let live = LiveRecord(
      version: version, previous: isLive ? former?.previous : former?.version,
      since: isLive ? former?.since ?? clock() : clock(), by: by, isChosen: isChosen)
    // What was assumed to be live is not on the disk: there the record before it still stands.
    let kept = isLive && standing.recordFault != nil ? try? disk.live() : nil
    try disk.write(
      live: LiveDocument(live), former: isLive ? kept : former.map { LiveDocument($0) })
    state.withLock { state in
      state.index.set(live: live)
      state.standing = LiveStanding()
    }
    noteLive(live)
  }

  /// Takes a version for live that could not be recorded as such: until a restart, or until `recordLive` or `recordAssumed`
  /// succeeds.
  package func assumeLive(
    _ version: ModelVersion, by: String, because fault: StoreError
  ) throws(StoreError) {
    // After a record that is being written, which would stand for an older choice.
    try changing { () throws(StoreError) in
      let now = clock()
      try state.withLock { (state) throws(StoreError) in
        guard state.index.contains(version) else { throw .unknownVersion(version.hex) }
        let former = state.index.live
        let isLive = version == former?.version
        state.index.set(
          live: LiveRecord(
            version: version, previous: isLive ? former?.previous : former?.version, since: now,
            by: by, isChosen: true))
        state.standing = LiveStanding()
        state.standing.recordFault = fault.description
      }
    }
  }

  /// Writes into a version's own record when it became live, for the day that the store's is damaged; where the disk
  /// refuses, the store's alone tells.
  private func noteLive(_ live: LiveRecord) {
    let record = state.withLock { state in
      state.index.set(lastLive: live.since, of: live.version)
      return state.index.records[live.version]
    }
    guard let record else { return }
    try? disk.write(record, of: live.version)
    try? disk.versions.sync()
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
