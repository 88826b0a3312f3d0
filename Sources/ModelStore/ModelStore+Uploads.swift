import Checkpoint
import Files
import Synchronization

extension ModelStore {
  /// Begins an upload, which is written to disk and digested as it arrives.
  ///
  /// If its length is known, it is rejected before the first byte if a limit or the disk has no
  /// room.
  package func beginUpload(expectedByteCount: Int? = nil) throws(StoreError) -> Upload {
    if let expectedByteCount {
      guard expectedByteCount > 0 else { throw .emptyUpload }
      guard expectedByteCount <= limits.uploadByteLimit else {
        throw .uploadTooLarge(byteCount: expectedByteCount, limit: limits.uploadByteLimit)
      }
    }
    try requireFolder()
    let digest = try SHA256.begin(for: disk.incoming.path)
    let available = disk.incoming.availableByteCount
    let file = try StagedFile(in: disk.incoming)
    do {
      try admit(file.name, expectedByteCount, availableByteCount: available)
    } catch {
      disk.failures.count(error)
      disk.discard(file.name)
      throw error
    }
    return Upload(file, digest, expectedByteCount: expectedByteCount, store: self)
  }

  /// Counts an upload, unless there are too many or too many bytes are still to come.
  private func admit(
    _ name: String, _ expectedByteCount: Int?, availableByteCount: Int
  ) throws(StoreError) {
    let limits = limits
    try state.withLock { (state) throws(StoreError) in
      guard state.uploads.count < limits.uploadCountLimit else {
        throw .tooManyUploads(limit: limits.uploadCountLimit)
      }
      if let expectedByteCount {
        _ = try state.index.evictions(for: expectedByteCount, limits: limits)
        try checkSpace(state, for: expectedByteCount, availableByteCount)
      }
      state.uploads[name] = expectedByteCount ?? 0
    }
  }

  /// Throws if the disk has no room for these bytes in addition to those announced and the reserve.
  func checkSpace(for byteCount: Int) throws(StoreError) {
    let available = disk.incoming.availableByteCount
    do throws(StoreError) {
      try state.withLock { (state) throws(StoreError) in
        try checkSpace(state, for: byteCount, available)
      }
    } catch {
      disk.failures.count(error)
      throw error
    }
  }

  private func checkSpace(
    _ state: State, for byteCount: Int, _ availableByteCount: Int
  ) throws(StoreError) {
    let announced = state.uploads.values.reduce(0, Self.saturatingSum)
    let needed = [byteCount, limits.freeByteReserve].reduce(announced, Self.saturatingSum)
    guard needed <= availableByteCount else {
      throw .full(
        path: disk.incoming.path, neededByteCount: needed, availableByteCount: availableByteCount)
    }
  }

  private static func saturatingSum(_ left: Int, _ right: Int) -> Int {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : sum
  }

  /// Records that an upload has written some of its announced bytes.
  func wrote(_ byteCount: Int, of name: String) {
    state.withLock { state in
      guard let rest = state.uploads[name] else { return }
      state.uploads[name] = max(0, rest - byteCount)
    }
  }

  /// Records that an upload is whole and waits to be kept.
  func staged(_ name: String) {
    state.withLock { state in
      state.uploads[name] = 0
      state.staged.insert(name)
    }
  }

  /// Ends an upload and removes its file.
  func dropUpload(_ name: String) {
    disk.discard(name)
    forgetUpload(name)
  }

  private func forgetUpload(_ name: String) {
    state.withLock { state in
      state.uploads[name] = nil
      state.staged.remove(name)
    }
  }

  /// Discards an upload; one that was already kept or discarded is not a failure.
  package func discard(_ staged: StagedModel) {
    let isStaged = state.withLock { $0.staged.remove(staged.fileName) != nil }
    if isStaged { dropUpload(staged.fileName) }
  }

  /// Makes an upload a kept version, and evicts the oldest that are then over a limit and not in
  /// use.
  ///
  /// Bytes that are already kept remain the same version, as first stored. After a failure the
  /// upload is gone.
  package func keep(
    _ staged: StagedModel, name: String, by: String
  ) throws(StoreError) -> StoredVersion {
    guard state.withLock({ $0.staged.remove(staged.fileName) != nil }) else {
      throw .notStaged(path: staged.path)
    }
    defer { forgetUpload(staged.fileName) }
    do {
      try Self.check(name, "name of a model")
      try Self.check(by, "name of who stores a model")
    } catch {
      disk.discard(staged.fileName)
      throw error
    }
    let kept = try changing { () throws(StoreError) in
      try install(staged, name: name, by: by)
    } orElse: {
      disk.discard(staged.fileName)
    }
    evict(sparing: staged.version)
    return kept
  }

  private func install(
    _ staged: StagedModel, name: String, by: String
  ) throws(StoreError) -> StoredVersion {
    if let kept = state.withLock({ $0.index[staged.version] }) {
      // The new bytes have just been read; those on disk may have been damaged since.
      try disk.replace(staged.version, with: staged.fileName)
      return kept
    }
    let limits = limits
    do {
      _ = try state.withLock { (state) throws(StoreError) in
        try state.index.evictions(for: staged.byteCount, limits: limits)
      }
    } catch {
      disk.failures.count(error)
      disk.discard(staged.fileName)
      throw error
    }
    let record = VersionRecord(
      name: name, by: by, storedAt: clock().millisecondsSince1970, byteCount: staged.byteCount)
    try disk.install(staged.fileName, as: staged.version, record: record)
    return state.withLock { state in
      state.index.insert(staged.version, record)
      guard let kept = state.index[staged.version] else {
        preconditionFailure("inserted just now")
      }
      return kept
    }
  }

  static func check(_ text: String, _ what: String) throws(StoreError) {
    guard text.utf8.count <= StoreLimits.textByteLimit else {
      throw .textTooLong(
        what: what, byteCount: text.utf8.count, limit: StoreLimits.textByteLimit)
    }
  }
}
