/// A store's folder as the next process would find it, without a change to it: for a check before a
/// start, beside a server that may be using it.
package struct StoreInspection: Sendable {
  /// Whether a process has the folder now.
  package let isInUse: Bool
  /// The live version that a start would take, and the path of its file.
  package let live: (record: LiveRecord, path: String)?
  /// Reason why nothing would be live although something was, or may have been.
  package let loss: String?
  /// What is damaged, and what a start would make of it.
  package let notices: [String]

  /// Reads the records and all of the live model. Returns nil if there is no store in the folder yet.
  package init?(folder: String) throws(StoreError) {
    guard let disk = try StoreFolder(reading: folder) else { return nil }
    isInUse = disk.isInUse
    let recovery = try StoreRecovery(disk, clock: { .now }, repairs: false)
    live = recovery.index.live.map { ($0, disk.path(of: $0.version)) }
    loss = recovery.standing.loss
    notices = recovery.notices
  }
}
