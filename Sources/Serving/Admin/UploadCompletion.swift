import Checkpoint
import ModelStore
import Synchronization

/// Gives an uploaded file that names no classes the labels and preprocessing of the live model, as a file of its own.
final class UploadCompletion: Sendable {
  private struct State {
    var staged: StagedModel?
    var fault: StoreError?
  }

  private let uploaded: StagedModel
  private let store: ModelStore
  private let pool: WorkerPool
  private let state = Mutex(State())

  init(of uploaded: StagedModel, in store: ModelStore, like pool: WorkerPool) {
    (self.uploaded, self.store, self.pool) = (uploaded, store, pool)
  }

  /// The file that came, or the one that was made of it.
  var result: StagedModel { state.withLock { $0.staged } ?? uploaded }

  /// What the store said, where it failed.
  var fault: StoreError? { state.withLock { $0.fault } }

  /// The path of the file to take. Reads the model, and writes it where something was missing.
  func run() throws(SwapFailure) -> String {
    do throws(StagingFailure) {
      let model = try completed()
      guard model.isCompleted else { return uploaded.path }
      let staged = try store.stage { body throws(CheckpointError) in
        try model.write(to: body)
      }.get()
      state.withLock { $0.staged = staged }
      return staged.path
    } catch {
      switch error {
      case .model(let error): throw SwapFailure(error)
      case .store(let error):
        state.withLock { $0.fault = error }
        throw SwapFailure(step: .read, reason: error.description, kind: .internal)
      }
    }
  }

  /// Removes what was made.
  func discard() {
    state.withLock { state in
      if let staged = state.staged { store.discard(staged) }
    }
  }

  private func completed() throws(StagingFailure) -> Model {
    let live = pool.live.model
    var options = ModelOptions()
    options.completion = ModelCompletion(
      labels: live.labels, preprocessing: live.preprocessing, name: live.name)
    do throws(CheckpointError) {
      return try Model.load(path: uploaded.path, options: options)
    } catch {
      throw .model(error)
    }
  }
}
