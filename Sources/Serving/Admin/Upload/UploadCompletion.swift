import Checkpoint
import Inference
import ModelStore
import Synchronization
import Telemetry

/// Choices that an upload makes among what a file of another program may mean.
struct NetworkChoice: Sendable, Hashable {
  /// Name of one of several networks in the file.
  var weights: String?
  /// What its tensors leave open of the network.
  var variant = NetworkVariant()

  var isEmpty: Bool { self == NetworkChoice() }
}

/// Gives an uploaded file without labels the labels and preprocessing of the live model, and makes
/// the choices among what it may mean, as a new file.
final class UploadCompletion: Sendable {
  private struct State {
    var isOver = false
    var staged: StagedModel?
    var assumptions: [String] = []
  }

  private let uploaded: StagedModel
  private let store: ModelStore
  /// The live model, or nil if nothing is taken from it.
  private let live: CompiledModel?
  private let choice: NetworkChoice
  private let turn: SwapTurn
  private let log: Log
  private let state = Mutex(State())

  init(
    of uploaded: StagedModel, in store: ModelStore, like live: CompiledModel?,
    _ choice: NetworkChoice,
    _ turn: SwapTurn, _ log: Log
  ) {
    (self.uploaded, self.store, self.live, self.choice) = (uploaded, store, live, choice)
    (self.turn, self.log) = (turn, log)
  }

  /// What the uploaded file did not say and was assumed.
  var assumptions: [String] { state.withLock(\.assumptions) }

  /// The uploaded file, or the one that was made of it.
  var result: StagedModel { state.withLock { $0.staged } ?? uploaded }

  /// Returns the path of the file to take. Reads the model, and writes a completed one if something
  /// was missing.
  ///
  /// - Parameter memory: Who grants what reading takes.
  func run(_ memory: LoadingMemory) throws(SwapFailure) -> String {
    do throws(StagingFailure) {
      let model = try completed(memory)
      state.withLock { $0.assumptions = model.assumptions }
      guard model.isCompleted || !choice.isEmpty else { return uploaded.path }
      let staged = try store.stage { [interruption] body throws(CheckpointError) in
        try model.write { bytes throws(CheckpointError) in
          try interruption.check()
          try body(bytes)
        }
      }.get()
      let isOver = state.withLock { state in
        if !state.isOver { state.staged = staged }
        return state.isOver
      }
      // Cancelled meanwhile, so nobody will take it.
      if isOver { store.discard(staged) }
      return staged.path
    } catch {
      switch error {
      case .model(let error): throw error == .cancelled ? turn.cancellation : SwapFailure(error)
      case .store(let error):
        throw SwapFailure(error, at: .read, cause: log.problem(error))
      }
    }
  }

  private var interruption: Interruption { Interruption { [turn] in turn.isCancelled } }

  /// Removes the file that was made, or will be.
  func discard() {
    state.withLock { state in
      state.isOver = true
      if let staged = state.staged { store.discard(staged) }
    }
  }

  private func completed(_ memory: LoadingMemory) throws(StagingFailure) -> Model {
    var options = ModelOptions()
    options.interruption = interruption
    options.memory = memory
    (options.weights, options.variant) = (choice.weights, choice.variant)
    // The uploaded file has only the name of the place where it waits.
    if let live {
      options.completion = ModelCompletion(
        labels: live.labels, preprocessing: live.preprocessing, output: live.output,
        name: uploaded.version.short)
    } else {
      options.name = uploaded.version.short
    }
    do throws(CheckpointError) {
      return try Model.load(path: uploaded.path, options: options)
    } catch {
      throw .model(error)
    }
  }
}
