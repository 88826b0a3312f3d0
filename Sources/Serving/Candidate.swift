import Checkpoint
import Inference

/// A model that has proved itself and only waits to become live.
struct Candidate: Sendable {
  let deployment: Deployment
  /// Without its weights, which the engine has packed.
  let model: Model
  /// At the start, how its plan was found.
  let planned: PlannedModel?
  let planOrigin: PlannedModel.Origin
  let estimatedByteCount: Int
  let availableByteCount: Int?
  let clock: SwapClock
}
