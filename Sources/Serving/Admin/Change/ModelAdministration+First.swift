import Checkpoint
import Inference
import ModelStore
import Telemetry

/// The model that the server began with.
extension ModelAdministration {
  /// Has the store keep what the server began with, as what was live before anything else: so that what is shown can be
  /// activated, and a rollback can bring it back. Where that fails a warning says so, and it is tried again when another
  /// model becomes live.
  package func keepFirst() {
    guard let store, let first else { return }
    let live = pool.live
    if let record = store.live {
      // What somebody chose stays; what the options of an earlier start named gives way to what these name.
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
        "warning: the model that the server began with cannot be kept; no rollback will bring it back",
        ["reason": .text(error.detail)])
    }
  }

  /// The first model as one file: its own, or where that is not all, another that says the same.
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
