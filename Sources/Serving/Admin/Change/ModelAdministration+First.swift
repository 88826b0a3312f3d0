import Checkpoint
import Inference
import ModelStore
import Telemetry

/// Handling of the model that the server began with.
extension ModelAdministration {
  /// Has the store keep the model that the server began with, as the first one that was live.
  ///
  /// This lets the model shown be activated, and a rollback bring it back. If it fails, a warning
  /// says so, and it is tried again when another model becomes live.
  package func keepFirst() {
    guard let store, let first else { return }
    let live = pool.live
    if let record = store.live {
      // A chosen model stays; one from the options of an earlier start gives way to the present
      // options.
      if record.version == live.model.version, record.isChosen || !first.isChosen { return }
      if record.isChosen, !first.isChosen { return }
    }
    do throws(Problem) {
      let staged = try stage(first, in: store)
      defer { store.discard(staged) }
      try log.stored { () throws(StoreError) in
        _ = try store.keep(staged, name: live.model.name, by: live.by)
        try store.recordLive(staged.version, by: live.by, isChosen: first.isChosen)
      }
    } catch {
      log.write(
        "the model that the server began with cannot be kept; no rollback will bring it back",
        as: .warning,
        ["reason": .text(error.detail)])
    }
  }

  /// Stages the first model as one file: its own, or if that is incomplete, another with the same
  /// content.
  private func stage(
    _ first: FirstModel, in store: ModelStore
  ) throws(Problem) -> StagedModel {
    let live = pool.live.model.version
    if first.isAsFile {
      let staged = try staged(in: store) { body throws(CheckpointError) in
        try first.writeFile(to: body)
      }
      if staged.version == live { return staged }
      store.discard(staged)
    }
    return try staged(in: store) { body throws(CheckpointError) in
      try first.writeWhole(live, to: body)
    }
  }

  private func staged(
    in store: ModelStore,
    _ write: ((RawSpan) throws(CheckpointError) -> Void) throws(CheckpointError) -> Void
  ) throws(Problem) -> StagedModel {
    switch store.stage(write) {
    case .success(let staged): return staged
    case .failure(.store(let error)): throw log.problem(error)
    case .failure(.model(let error)): throw Problem(SwapFailure(error))
    }
  }
}
