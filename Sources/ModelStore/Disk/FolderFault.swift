import Checkpoint

/// Reason why a store's folder, or a part of it, is not as the store opened it: what is written
/// there now would be lost, or cannot be written.
package struct FolderFault: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Kind: Sendable, Hashable {
    /// Nothing is at its path any more.
    case missing
    /// Something else is at its path.
    case replaced
    /// The system does not let this user write there.
    case unwritable(reason: String)
  }

  package let kind: Kind
  /// Path of the folder.
  package let path: String
  /// Name of the part within the folder; nil for the folder itself.
  package let entry: String?

  /// Whether a restart would not find what the folder held.
  package var losesModels: Bool {
    if case .unwritable = kind { false } else { true }
  }

  package var description: String { text(entry.map { "\(path)/\($0)" } ?? path) }

  /// The reason without the path, for clients.
  package var words: String {
    text(entry.map { "\($0) in the state folder" } ?? "the state folder")
  }

  private func text(_ subject: String) -> String {
    switch kind {
    case .missing: "\(subject) is gone: it was removed, renamed or unmounted"
    case .replaced:
      "\(subject) is not the one that the server opened: it was replaced, unmounted or mounted over"
    case .unwritable(let reason): "\(subject) cannot be written: \(reason)"
    }
  }
}

/// The folder on disk, compared with what was opened.
extension StoreFolder {
  /// Returns why what is written now would not be found by the next process; nil if it would.
  func identityFault() -> FolderFault? {
    if let fault = fault(root.place(at: root.path), entry: nil) { return fault }
    for (name, folder) in [("versions", versions), ("incoming", incoming)] {
      if let fault = fault(folder.place(as: name, in: root), entry: name) { return fault }
    }
    return nil
  }

  /// Throws if what is written now would not be found by the next process.
  func requireIdentity() throws(StoreError) {
    guard let fault = identityFault() else { return }
    let error = StoreError.folderFault(fault)
    failures.count(error)
    throw error
  }

  /// Returns the fault of the folder and of what it must hold; nil if there is none.
  ///
  /// - Parameter live: Version whose file and record a restart needs; nil if none is recorded.
  func fault(live: ModelVersion?) -> FolderFault? {
    if let fault = identityFault() { return fault }
    // Without the lock's file another process could take the folder as well.
    if let fault = fault(root.place(of: lock, as: Self.lockName), entry: Self.lockName) {
      return fault
    }
    for (name, folder) in [(nil, root), ("versions", versions), ("incoming", incoming)] {
      guard let reason = folder.reasonNotPermitted else { continue }
      return FolderFault(kind: .unwritable(reason: reason), path: root.path, entry: name)
    }
    // Every change begins there.
    if let reason = incoming.reasonNotMade {
      return FolderFault(kind: .unwritable(reason: reason), path: root.path, entry: nil)
    }
    guard let live else { return nil }
    guard root.contains(Self.liveName) else { return missing(Self.liveName) }
    return holds(live) ? nil : missing("versions/\(live.hex)")
  }

  private func missing(_ entry: String) -> FolderFault {
    FolderFault(kind: .missing, path: root.path, entry: entry)
  }

  private func fault(_ place: Folder.Place, entry: String?) -> FolderFault? {
    switch place {
    case .same: nil
    case .empty: FolderFault(kind: .missing, path: root.path, entry: entry)
    case .other: FolderFault(kind: .replaced, path: root.path, entry: entry)
    }
  }
}
