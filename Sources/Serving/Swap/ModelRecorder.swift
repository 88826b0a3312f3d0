import Checkpoint
import ModelStore
import Telemetry

/// Keeps a model in the store and records that it is live, when nothing but the swap is left.
struct ModelRecorder {
  enum Subject {
    /// A file that has arrived, to be kept now.
    case staged(StagedModel)
    /// The same, or the file that was made of it meanwhile, if one was.
    case completed(UploadCompletion)
    /// A version that is kept at that path.
    case kept(ModelVersion, path: String)
  }

  let store: ModelStore
  let subject: Subject
  let by: String
  let log: Log
  /// Records a rollback later that cannot be recorded now; nil for any other change, which is then
  /// not made.
  var late: LateRecord?

  /// Records the model. Returns the reason why a restart will not know of it, or nil if the record
  /// is on the disk.
  func record(_ name: String, _ version: ModelVersion) throws(SwapFailure) -> String? {
    do throws(StoreError) {
      switch subject {
      case .staged(let staged): try keep(staged, name)
      case .completed(let completion): try keep(completion.result, name)
      case .kept(let kept, let path):
        // The bytes on the disk may have been damaged, so they are read again.
        guard version == kept else { throw .damaged(kept, path: path) }
        return try recordKept(kept)
      }
      return nil
    } catch {
      throw SwapFailure(error, at: .record, cause: log.problem(error))
    }
  }

  /// Keeps a model that is not live, safe from making room for others until it is unpinned.
  func pin(_ name: String) throws(SwapFailure) {
    do throws(StoreError) {
      switch subject {
      case .staged(let staged): try pin(staged, name)
      case .completed(let completion): try pin(completion.result, name)
      case .kept(let kept, _): try store.pin(kept)
      }
    } catch {
      throw SwapFailure(error, at: .record, cause: log.problem(error))
    }
  }

  private func pin(_ staged: StagedModel, _ name: String) throws(StoreError) {
    _ = try store.keep(staged, name: name, by: by)
    try store.pin(staged.version)
  }

  private func keep(_ staged: StagedModel, _ name: String) throws(StoreError) {
    _ = try store.keep(staged, name: name, by: by)
    try store.recordLive(staged.version, by: by)
  }

  private func recordKept(_ version: ModelVersion) throws(StoreError) -> String? {
    do throws(StoreError) {
      try store.recordLive(version, by: by)
      return nil
    } catch {
      guard let late else { throw error }
      try store.assumeLive(version, by: by, because: error)
      late.begin()
      log.write(
        "a rollback could not be recorded; until it is, a restart will not know of it",
        as: .warning,
        ["version": .text(version.short), "reason": .text(error.description)])
      return error.description
    }
  }
}
