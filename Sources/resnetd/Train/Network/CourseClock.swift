/// The time that a training may take, by which its plan is held on the way.
package struct CourseClock {
  /// Epochs by whose time the next ones are foreseen.
  private static let recentCount = 3
  /// Steps of the last epoch that say how fast it is now: at least so many, or this share of them.
  private static let recentStepCount = 8
  private static let recentStepShare = 0.1

  /// When the command began.
  private let start: ContinuousClock.Instant
  private let limit: Duration
  private let stepsPerEpoch: Int
  private let observedBatchCount: Int
  /// Seconds of the last epochs, each with its judgement.
  private var recent: [Double] = []
  /// Seconds of the last judgement.
  private var judgement = 0.0
  /// Nil within an epoch that began before this process.
  private var epochStart: ContinuousClock.Instant?
  /// Seconds of the last steps.
  private var steps: [Double] = []

  /// - Parameters:
  ///   - observedBatchCount: Batches that are observed after the last epoch.
  ///   - isAtEpoch: Whether an epoch begins now.
  init(
    _ limit: Duration, since start: ContinuousClock.Instant, stepsPerEpoch: Int,
    observedBatchCount: Int, isAtEpoch: Bool
  ) {
    (self.limit, self.start) = (limit, start)
    (self.stepsPerEpoch, self.observedBatchCount) = (stepsPerEpoch, observedBatchCount)
    epochStart = isAtEpoch ? .now : nil
  }

  var secondsLeft: Double { (limit - (.now - start)) / .seconds(1) }

  mutating func endStep(seconds: Double) {
    let count = max(
      Self.recentStepCount, Int(Self.recentStepShare * Double(stepsPerEpoch)))
    steps = steps.suffix(count - 1) + [seconds]
  }

  /// - Parameter judgement: Seconds that its judgement took.
  mutating func endEpoch(judgement: Double) {
    self.judgement = judgement
    if let epochStart {
      recent = recent.suffix(Self.recentCount - 1) + [(.now - epochStart) / .seconds(1)]
    }
    epochStart = .now
  }

  /// Returns how many epochs end in time, at most as many as are planned.
  func epochCount(done: Int, of planned: Int) -> Int {
    guard let last = recent.last else { return planned }
    let count = Double(max(1, stepsPerEpoch))
    let now = steps.reduce(0, +) / Double(max(1, steps.count)) * count + judgement
    // Whoever slows it down now may do so to its end.
    let epoch = max(last, now, recent.reduce(0, +) / Double(recent.count))
    let ending = CourseEnding.seconds(
      step: max(0, epoch - judgement) / count, judgement: judgement,
      observedBatchCount: observedBatchCount)
    return Self.epochCount(
      done: done, of: planned, secondsLeft: secondsLeft - ending, secondsPerEpoch: epoch)
  }

  /// One epoch at least follows those that are done, if any was planned: rates must fall to their end.
  package static func epochCount(
    done: Int, of planned: Int, secondsLeft: Double, secondsPerEpoch: Double
  ) -> Int {
    guard done < planned else { return planned }
    let further = max(1, (secondsLeft / max(secondsPerEpoch, 1e-9)).rounded(.down))
    return further < Double(planned - done) ? done + Int(further) : planned
  }
}

/// What follows the last epoch.
package enum CourseEnding {
  /// Batches that are enough for the statistics of averaged parameters.
  private static let observedBatchLimit = 50
  /// A batch that is only observed, as a share of a step: a third where nothing else runs, since
  /// gradients are twice the work, and more where threads wait for each other.
  private static let observedShare = 0.5
  /// The judgement of an image, as a share of a step's time for it, at most.
  private static let judgedShare = 1.0 / 3
  /// The average, the best parameters, and what is computed of them in int8 beside fp32.
  private static let judgementCount = 4.0

  /// Returns over how many batches statistics of averaged parameters are estimated: at most all
  /// images once.
  package static func observedBatchCount(stepsPerEpoch: Int) -> Int {
    min(observedBatchLimit, stepsPerEpoch)
  }

  /// Returns about how long a judgement takes, from the images that steps learn per second.
  package static func judgementSeconds(imageCount: Int, speed: Double) -> Double {
    Double(imageCount) * judgedShare / max(speed, 1e-9)
  }

  /// Returns about how long it takes.
  package static func seconds(
    step: Double, judgement: Double, observedBatchCount: Int
  ) -> Double {
    Double(observedBatchCount) * observedShare * step + judgementCount * judgement
  }
}
