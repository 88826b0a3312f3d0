import Synchronization

/// Cause for which something was not written into a store's folder.
package enum DiskFailure: String, Sendable, CaseIterable {
  /// The disk, or the user's quota on it, has no room, or not enough beyond the reserve.
  case full
  /// The limits on versions and their bytes have no room.
  case limit
  /// The system does not make the change, or the folder is not there any more.
  case refused

  /// Returns nil for an error that is not the disk's or the limits'.
  init?(_ error: StoreError) {
    switch error {
    case .full: self = .full
    case .noRoom, .noVersionFree: self = .limit
    case .file, .folderFault: self = .refused
    case .folderInUse, .uploadTooLarge, .tooManyUploads, .wrongLength, .emptyUpload, .uploadEnded,
      .notStaged, .textTooLong, .malformedVersion, .unknownVersion, .ambiguousVersion,
      .versionInUse, .damaged, .damagedExamples, .cancelled, .malformedRecord:
      return nil
    }
  }
}

/// Counts of what was not written, by cause. Any thread may add to them.
final class DiskFailureCounts: Sendable {
  private let full = Atomic(0)
  private let limit = Atomic(0)
  private let refused = Atomic(0)

  func count(_ error: StoreError) {
    switch DiskFailure(error) {
    case .full: full.wrappingAdd(1, ordering: .relaxed)
    case .limit: limit.wrappingAdd(1, ordering: .relaxed)
    case .refused: refused.wrappingAdd(1, ordering: .relaxed)
    case nil: break
    }
  }

  func value(of failure: DiskFailure) -> Int {
    switch failure {
    case .full: full.load(ordering: .relaxed)
    case .limit: limit.load(ordering: .relaxed)
    case .refused: refused.load(ordering: .relaxed)
    }
  }
}
