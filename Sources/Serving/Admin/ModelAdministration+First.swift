import Checkpoint
import ModelStore
import Telemetry

/// The model that the server began with.
extension ModelAdministration {
  /// Has the store keep what the server began with as what was live, before another model is: a rollback must be able
  /// to bring it back. Where that fails the change goes on without.
  func keepFirst() {
    guard let store, let first, store.live == nil else { return }
    do throws(Problem) {
      let staged = try stage(first, in: store)
      defer { store.discard(staged) }
      try stored { () throws(StoreError) in
        _ = try store.keep(staged, name: pool.live.model.name, by: pool.live.by)
        try store.recordLive(staged.version, by: pool.live.by)
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
    case .failure(.store(let error)): throw problem(error)
    case .failure(.model(let error)): throw Problem(SwapFailure(error))
    }
  }
}
