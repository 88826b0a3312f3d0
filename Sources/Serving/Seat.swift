import Engine

/// What one worker computes a deployment with; belongs to that worker's thread from the first job on.
final class Seat {
  let classifier: Classifier
  var trust: TeamTrust

  /// Takes all memory and runs every batch size once, on the calling thread.
  init(_ classifier: Classifier) throws(EngineError) {
    self.classifier = classifier
    try classifier.warmUp()
    let start = ContinuousClock.now
    _ = try classifier.run(count: 1)
    trust = TeamTrust(alone: .now - start)
  }
}
