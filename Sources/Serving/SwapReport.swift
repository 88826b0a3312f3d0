package import Checkpoint
package import Engine
package import Inference

/// What a swap did.
package struct SwapReport: Sendable {
  package var version: ModelVersion
  package var name: String
  /// What was live before; with a dry run it still is. Nil where nothing was.
  package var formerVersion: ModelVersion?
  /// Nil where the classes are those of what was live before, or nothing was.
  package var labelChange: LabelChange?
  package var isDryRun: Bool
  /// Whether it became a canary instead of live.
  package var isCanary = false
  /// Why the choice could not be kept for a restart; nil where it was.
  package var recordFault: String?
  /// The canary that it ended, if there was one.
  package var endedCanary: CanaryEnd?
  package var precision: Precision
  package var plan: CPUPlan
  package var planOrigin: PlannedModel.Origin
  /// Each step that was taken and its time, in order.
  package var steps: [(step: SwapStep, duration: Duration)]
  /// Bytes that the candidate was thought to take, and that there were; nil where the system does not tell.
  package var estimatedByteCount: Int
  package var availableByteCount: Int?

  var outcome: SwapOutcome.Result { isCanary ? .canary : isDryRun ? .dryRun : .done }

  package var duration: Duration { steps.reduce(.zero) { $0 + $1.duration } }
}
