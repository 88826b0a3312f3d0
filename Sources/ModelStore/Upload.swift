package import Checkpoint
import Files
import Synchronization

/// An incoming model, whose bytes go to a file of their own and are digested as they arrive.
///
/// May be called from any thread, one call after another. An error ends it. However it ends, even
/// by being released, the file is removed, unless it ends with `finish`.
package final class Upload: Sendable {
  private struct Progress: ~Copyable {
    var file: StagedFile?
    var digest: SHA256?
    var byteCount = 0
    /// Bytes written since the last check of the disk's free space; nil before the first check.
    var uncheckedByteCount: Int?
  }

  private let store: ModelStore
  private let fileName: String
  private let expectedByteCount: Int?
  private let progress: Mutex<Progress>

  init(
    _ file: consuming StagedFile, _ digest: consuming sending SHA256, expectedByteCount: Int?,
    store: ModelStore
  ) {
    self.store = store
    self.expectedByteCount = expectedByteCount
    fileName = file.name
    progress = Mutex(Progress(file: consume file, digest: consume digest))
  }

  deinit { discard() }

  package func append(_ bytes: [UInt8]) throws(StoreError) {
    try unsafe append(bytes.span.bytes)
  }

  package func append(_ bytes: RawSpan) throws(StoreError) {
    do {
      try progress.withLock { (progress) throws(StoreError) in
        try append(bytes, to: &progress)
      }
    } catch {
      discard()
      throw error
    }
    if expectedByteCount != nil { store.wrote(bytes.byteCount, of: fileName) }
  }

  private func append(
    _ bytes: RawSpan, to progress: inout Progress
  ) throws(StoreError) {
    let (expected, limits) = (expectedByteCount, store.limits)
    guard progress.file != nil else { throw .uploadEnded }
    let (count, overflow) = progress.byteCount.addingReportingOverflow(bytes.byteCount)
    if let expected, overflow || count > expected {
      throw .wrongLength(byteCount: overflow ? .max : count, expected: expected)
    }
    guard !overflow, count <= limits.uploadByteLimit else {
      throw .uploadTooLarge(byteCount: overflow ? .max : count, limit: limits.uploadByteLimit)
    }
    let unchecked = progress.uncheckedByteCount.map { $0 + bytes.byteCount }
    if let unchecked, unchecked < limits.spaceCheckByteCount {
      progress.uncheckedByteCount = unchecked
    } else {
      try store.checkSpace(for: expected == nil ? bytes.byteCount : 0)
      progress.uncheckedByteCount = 0
    }
    try progress.file?.write(bytes)
    progress.digest?.update(bytes)
    progress.byteCount = count
  }

  /// Completes the upload if it has the announced bytes and all of them are on disk.
  package func finish() throws(StoreError) -> StagedModel {
    do {
      let staged = try progress.withLock { (progress) throws(StoreError) in
        try finish(&progress)
      }
      store.staged(fileName)
      return staged
    } catch {
      discard()
      throw error
    }
  }

  private func finish(_ progress: inout Progress) throws(StoreError) -> StagedModel {
    guard progress.file != nil else { throw .uploadEnded }
    guard progress.byteCount > 0 else { throw .emptyUpload }
    if let expectedByteCount, expectedByteCount != progress.byteCount {
      throw .wrongLength(byteCount: progress.byteCount, expected: expectedByteCount)
    }
    try progress.file?.sync()
    progress.file = nil
    guard let digest = progress.digest.take() else {
      preconditionFailure("file and digest end together")
    }
    return StagedModel(
      version: ModelVersion(digest: digest.finish()), byteCount: progress.byteCount,
      path: store.disk.incoming.path(of: fileName), fileName: fileName)
  }

  /// Discards the upload; does nothing if it has ended.
  package func discard() {
    let wasOpen = progress.withLock { progress in
      guard progress.file != nil else { return false }
      progress.file = nil
      progress.digest = nil
      return true
    }
    if wasOpen { store.dropUpload(fileName) }
  }
}

/// A whole upload on disk that is not yet a version; it counts as an upload until `keep` or
/// `discard`.
package struct StagedModel: Sendable, Hashable {
  /// Digest of the bytes as they arrived.
  package let version: ModelVersion
  package let byteCount: Int
  /// Path of the file until `keep` or `discard`.
  package let path: String
  /// Name in the folder of uploads.
  let fileName: String
}
