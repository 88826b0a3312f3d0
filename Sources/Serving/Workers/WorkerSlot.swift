import Engine
import Inference

/// Everything that one worker needs to compute with a deployment; belongs to its thread from the
/// first job on.
final class WorkerSlot {
  let classifier: Classifier
  var trust: TeamTrust

  /// Takes all memory and runs every batch size once, on the calling thread.
  ///
  /// - Parameter isCancelled: See `Classifier.warmUp`.
  init(
    _ classifier: Classifier, unless isCancelled: @Sendable () -> Bool = { false }
  ) throws(EngineError) {
    self.classifier = classifier
    try classifier.warmUp(unless: isCancelled)
    if isCancelled() { throw .cancelled }
    let start = ContinuousClock.now
    _ = try classifier.run(count: 1)
    trust = TeamTrust(alone: .now - start)
  }
}
