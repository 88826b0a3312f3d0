package import Checkpoint
import Synchronization

extension ModelStore {
  /// Records the live version, and its predecessor as the previous one; changes nothing if already
  /// recorded.
  ///
  /// When it returns, the record is on disk. When it throws, the record is unchanged, in memory
  /// and, unless the disk fails twice, on disk.
  ///
  /// - Parameter isChosen: False for the choice of a server's options, which those of its next
  ///   start may change.
  package func recordLive(
    _ version: ModelVersion, by: String, isChosen: Bool = true
  ) throws(StoreError) {
    try Self.check(by, "name of who makes a model live")
    try changing { () throws(StoreError) in
      try record(version, by: by, isChosen: isChosen)
    }
  }

  /// Records the version assumed to be live; returns it, or nil if the record is already right.
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

  /// Treats a version as live that could not be recorded as such, until a restart or until
  /// `recordLive` or `recordAssumed` succeeds.
  package func assumeLive(
    _ version: ModelVersion, by: String, because fault: StoreError
  ) throws(StoreError) {
    // After a record that is being written, which would stand for an older choice. Without the disk.
    try changes.withLock { (_) throws(StoreError) in
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

  /// Writes the time that a version became live into its own record, in case the store's is
  /// damaged.
  ///
  /// If the disk refuses, only the store's record has it.
  private func noteLive(_ live: LiveRecord) {
    let record = state.withLock { state in
      state.index.set(lastLive: live.since, of: live.version)
      return state.index.records[live.version]
    }
    guard let record else { return }
    try? disk.write(record, of: live.version)
    try? disk.versions.sync()
  }

  /// Keeps a version from being removed until `unpin` has been called as often.
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

  /// Removes the oldest versions that are over a limit and not in use, but never `spared`.
  ///
  /// If the disk fails to remove one, it is tried again the next time.
  func evict(sparing spared: ModelVersion? = nil) {
    let limits = limits
    try? changing { () throws(StoreError) in
      let going = try state.withLock { (state) throws(StoreError) in
        try state.index.evictions(limits: limits, sparing: spared)
      }
      for version in going { try? takeAway(version) }
    }
  }

  /// Removes a version from the index first, so that nobody begins to use it; restores it if the
  /// disk fails.
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
