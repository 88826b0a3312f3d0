/// The time that a training may take, by which its plan is held on the way.
package struct CourseClock {
  /// Epochs by whose time the next ones are foreseen.
  private static let recentCount = 3

  /// When the command began.
  private let start: ContinuousClock.Instant
  private let limit: Duration
  /// Seconds of the last epochs, each with its judgement.
  private var recent: [Double] = []
  /// Seconds of the last judgement.
  private var judgement = 0.0
  /// Nil within an epoch that began before this process.
  private var epochStart: ContinuousClock.Instant?

  /// - Parameter isAtEpoch: Whether an epoch begins now.
  init(_ limit: Duration, since start: ContinuousClock.Instant, isAtEpoch: Bool) {
    (self.limit, self.start) = (limit, start)
    epochStart = isAtEpoch ? .now : nil
  }

  var secondsLeft: Double { (limit - (.now - start)) / .seconds(1) }

  /// - Parameter judgement: Seconds that its judgement took.
  mutating func endEpoch(judgement: Double) {
    self.judgement = judgement
    if let epochStart {
      recent = recent.suffix(Self.recentCount - 1) + [(.now - epochStart) / .seconds(1)]
    }
    epochStart = .now
  }

  /// Returns how many epochs end in time, at most as many as are planned.
  func epochCount(done: Int, of planned: Int, stepsPerEpoch: Int) -> Int {
    guard let last = recent.last else { return planned }
    // Whoever slows it down now may do so to its end.
    let epoch = max(last, recent.reduce(0, +) / Double(recent.count))
    let step = max(0, epoch - judgement) / Double(max(1, stepsPerEpoch))
    let ending = CourseEnding.seconds(step: step, judgement: judgement)
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
enum CourseEnding {
  /// Batches over which statistics of averaged parameters are estimated.
  static let observedBatchCount = 50
  /// A batch that is only observed, as a share of a step: its gradients are twice the work.
  private static let observedShare = 1.0 / 3
  /// The average, the best parameters, and what is computed of them in int8 beside fp32.
  private static let judgementCount = 4.0

  /// Returns about how long it takes.
  static func seconds(step: Double, judgement: Double) -> Double {
    Double(observedBatchCount) * observedShare * step + judgementCount * judgement
  }
}
