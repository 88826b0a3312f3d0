package import Checkpoint
package import Engine

/// What a swap did.
package struct SwapReport: Sendable {
  package var version: ModelVersion
  package var name: String
  /// What was live before; with a dry run it still is.
  package var formerVersion: ModelVersion
  package var isDryRun: Bool
  package var precision: Precision
  package var plan: CPUPlan
  package var planOrigin: PlannedModel.Origin
  /// Each step that was taken and its time, in order.
  package var steps: [(step: SwapStep, duration: Duration)]
  /// Bytes that the candidate was thought to take, and that there were; nil where the system does not tell.
  package var estimatedByteCount: Int
  package var availableByteCount: Int?

  package var duration: Duration { steps.reduce(.zero) { $0 + $1.duration } }
}
