import Checkpoint

/// Repair of a store's folder after an earlier process.
struct StoreRecovery {
  private let disk: StoreFolder
  private let clock: @Sendable () -> WallTime
  /// Whether to put the folder in order; else it is only read.
  private let repairs: Bool
  private(set) var index = VersionIndex()
  /// Damaged or misplaced files and their fate, one sentence each.
  private(set) var notices: [String] = []
  private(set) var standing = LiveStanding()

  init(
    _ disk: StoreFolder, clock: @escaping @Sendable () -> WallTime, repairs: Bool = true
  ) throws(StoreError) {
    self.disk = disk
    self.clock = clock
    self.repairs = repairs
    if repairs { try clearIncoming() }
    try readVersions()
    readLive()
  }

  /// Removes uploads that never ended and records that never got their name.
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

  /// Removes a record without a model, which was being added or removed.
  private mutating func clearRecord(_ name: String) throws(StoreError) {
    let digits = String(name.dropLast(StoreFolder.recordSuffix.count))
    guard ModelVersion(digits: digits) != nil, disk.versions.examine(digits) == nil,
      // A model that was found damaged was removed with its record.
      disk.versions.contains(name)
    else { return }
    // An entry in its place is reported under the model's own name.
    if !disk.versions.contains(digits) {
      notices.append(
        "\(disk.versions.path(of: digits)) is not there, only its record, which is removed")
    }
    if repairs { try disk.versions.remove(name) }
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

  /// Keeps a whole model under its digits although its record is useless.
  private mutating func restoreRecord(
    of version: ModelVersion, byteCount: Int, storedAt: WallTime
  ) {
    do {
      try disk.verify(version) { false }
      let record = VersionRecord(
        name: version.short, by: "recovery", storedAt: storedAt.millisecondsSince1970,
        byteCount: byteCount)
      index.insert(version, record)
      guard repairs else { return }
      try disk.write(record, of: version)
      try disk.versions.sync()
    } catch {
      notices.append("\(error)")
      // A file that does not match its name is useless; one that cannot be read may still be good.
      if case .damaged = error { discard(version) }
    }
  }

  /// Removes a useless file and reports it.
  private mutating func discard(_ version: ModelVersion) {
    guard repairs else { return }
    do {
      try disk.remove(version)
      notices.append("version \(version.short) is not kept any more: its damaged file is removed")
    } catch {
      notices.append("version \(version.short) is not kept any more: \(error)")
    }
  }

  // MARK: Live version

  /// A version that was live, and the source that says so.
  private struct Claim {
    let version: ModelVersion
    let source: String
  }

  private mutating func readLive() {
    let (current, currentFault) = document("live.json", isExpected: true, disk.live)
    let (former, formerFault) = document(
      "live.before.json", isExpected: false, disk.formerLive)
    let claims = claims(current, former)
    let faults = [currentFault, current == nil ? formerFault : nil].compactMap(\.self)
    for (index, claim) in claims.enumerated() {
      guard isWhole(claim.version) else { continue }
      if index == 0, let current, claim.version.hex == current.version {
        take(claim.version, current)
      } else {
        recover(claim, of: claims, because: faults)
      }
      return
    }
    // A new folder has none of these.
    guard current != nil || former != nil || !faults.isEmpty || !self.index.records.isEmpty else {
      return
    }
    let reason =
      claims.first.map {
        "no model that was live is left: the last was version \($0.version.short) (\($0.source)), whose "
          + "file in versions/ is missing or damaged"
      } ?? "nothing tells which of the \(self.index.records.count) versions kept was live"
    let loss = (faults + [reason]).joined(separator: "; ")
    standing.loss = loss
    notices.append(loss)
  }

  /// Reads a record, and returns its fault: that it is damaged, or missing although expected.
  private func document(
    _ name: String, isExpected: Bool, _ read: () throws(StoreError) -> LiveDocument?
  ) -> (LiveDocument?, String?) {
    do throws(StoreError) {
      let document = try read()
      let isMissed = isExpected && document == nil && !index.records.isEmpty
      return (document, isMissed ? "\(name) is missing" : nil)
    } catch {
      return (nil, error.description)
    }
  }

  /// Returns versions that were live, most reliable first: by the records, then by the time they
  /// became live.
  private func claims(_ current: LiveDocument?, _ former: LiveDocument?) -> [Claim] {
    var claims: [Claim] = []
    func add(_ digits: String?, _ source: String) {
      guard let version = digits.flatMap({ ModelVersion(digits: $0) }),
        !claims.contains(where: { $0.version == version })
      else { return }
      claims.append(Claim(version: version, source: source))
    }
    add(current?.version, "live.json names it")
    add(current?.previous, "live.json names it as the one before")
    let kept = index.records.compactMap { version, record in
      record.lastLive.map { (digits: version.hex, since: $0, source: "its own record says so") }
    }
    let before = former.map {
      (digits: $0.version, since: $0.since, source: "live.before.json names it")
    }
    for claim in (kept + [before].compactMap(\.self)).sorted(by: {
      $0.since != $1.since ? $0.since > $1.since : $0.digits < $1.digits
    }) {
      add(claim.digits, claim.source)
    }
    add(former?.previous, "live.before.json names it as the one before")
    return claims
  }

  private mutating func take(_ version: ModelVersion, _ document: LiveDocument) {
    let previous = document.previous.flatMap { ModelVersion(digits: $0) }
    let since = WallTime(millisecondsSince1970: document.since)
    index.set(
      live: LiveRecord(
        version: version, previous: previous.flatMap { index.contains($0) ? $0 : nil },
        since: since, by: document.by, isChosen: document.chosen ?? true))
    // A kill may have come between the two records, or an earlier program wrote one alone.
    guard index.records[version]?.lastLive != since.millisecondsSince1970 else { return }
    index.set(lastLive: since, of: version)
    if repairs, let record = index.records[version] { try? disk.write(record, of: version) }
  }

  private mutating func recover(_ claim: Claim, of claims: [Claim], because faults: [String]) {
    let previous = claims.first { $0.version != claim.version && index.contains($0.version) }
    index.set(
      live: LiveRecord(
        version: claim.version, previous: previous?.version, since: clock(), by: "recovery",
        isChosen: true))
    let why = faults.isEmpty ? ["what was live last cannot be used"] : faults
    let decision =
      "version \(claim.version.short) is taken for live: it was, \(claim.source)"
    standing.recovery = (why + [decision]).joined(separator: "; ")
    notices += faults + [decision]
  }

  private mutating func isWhole(_ version: ModelVersion) -> Bool {
    do throws(StoreError) {
      guard index.contains(version) else { throw .unknownVersion(version.hex) }
      try disk.verify(version) { false }
      return true
    } catch {
      notices.append("what was live cannot be used: \(error)")
      if case .damaged = error {
        index.remove(version)
        discard(version)
      }
      return false
    }
  }
}
