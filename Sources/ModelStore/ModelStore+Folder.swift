import Synchronization

/// The folder while it is in use: whether it is still the one that was opened, and what could not be
/// written to it.
extension ModelStore {
  /// Fault of the folder as it was last looked at; from memory.
  package var folderFault: FolderFault? { state.withLock(\.folderFault) }

  /// Reason why a restart will not know of the live version; nil if it will.
  package var recordFault: String? {
    let (standing, fault) = state.withLock { ($0.standing, $0.folderFault) }
    return standing.recordFault ?? (fault?.losesModels == true ? fault?.words : nil)
  }

  /// Number of things that were not written, by cause.
  package func failureCount(of failure: DiskFailure) -> Int { disk.failures.value(of: failure) }

  /// Looks at the folder, and remembers its fault. Reads the disk, which may take as long as a network
  /// does not answer.
  @discardableResult
  package func examineFolder() -> FolderFault? {
    let recorded = state.withLock { $0.standing.recordFault == nil ? $0.index.live?.version : nil }
    let fault = disk.fault(live: recorded)
    state.withLock { $0.folderFault = fault }
    return fault
  }

  /// Throws if the folder is not the one that was opened: another process would not find what is
  /// written there. Nothing is made anew, since an empty folder in the place of one that is not mounted
  /// would hide it.
  package func requireFolder() throws(StoreError) {
    do throws(StoreError) {
      try disk.requireIdentity()
    } catch {
      if case .folderFault(let fault) = error { state.withLock { $0.folderFault = fault } }
      throw error
    }
  }
}
