import Training

/// What follows the last epoch of a training, and how long it takes.
extension CourseRun {
  /// Batches over which statistics of the averaged parameters are estimated; 0 if there is no average
  /// that could be the best.
  var observedBatchCount: Int {
    heldOut == nil || recipe.optimizer.averageDecay == nil
      ? 0 : CourseEnding.observedBatchCount(stepsPerEpoch: course.stepsPerEpoch)
  }

  /// Estimates the statistics of the parameters that are loaded; returns false if it was interrupted.
  func observe() throws -> Bool {
    let count = observedBatchCount
    var progress = TrainingProgress("statistics")
    defer { progress.end() }
    return try course.observe(
      batchCount: count, progress: { progress.advance(to: $0, of: count) },
      while: { !training.job.interruption.hasHappened })
  }

  /// Returns about how many seconds follow the last epoch.
  ///
  /// - Parameters:
  ///   - speed: Images that steps learn per second.
  ///   - judgement: Seconds that a judgement took; nil before the first.
  func endingSeconds(speed: Double, judgement: Double?) -> Double {
    CourseEnding.seconds(
      step: Double(split.learned.count) / Double(course.stepsPerEpoch) / max(speed, 1e-9),
      judgement: judgement ?? judgementSeconds(speed: speed),
      observedBatchCount: observedBatchCount)
  }

  func judgementSeconds(speed: Double) -> Double {
    CourseEnding.judgementSeconds(imageCount: split.heldOut.count, speed: speed)
  }
}
