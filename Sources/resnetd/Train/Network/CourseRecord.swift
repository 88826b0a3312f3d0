import Training

/// What the epochs of a training did.
struct CourseRecord: Codable, Sendable, Equatable {
  struct Epoch: Codable, Sendable, Equatable {
    /// Counted from 1; 0 is before the first step.
    var number: Int
    /// Rate of its last step.
    var rate: Double
    /// Means over its images as they were seen, with augmentation and while parameters changed.
    var loss: Double
    var accuracy: Double
    /// Of the images held out; nil without them.
    var heldOutLoss: Double?
    var heldOutAccuracy: Double?
    /// Their loss at the temperature that suits them best; nil if none does.
    var calibratedLoss: Double?

    /// Whether it is better than another one: by the loss on images held out, which says more than
    /// how many of a few hundred are right, and at the best temperature, since the model gets it.
    func isBetter(than other: Epoch?) -> Bool {
      guard let other, let own = calibratedLoss ?? heldOutLoss,
        let best = other.calibratedLoss ?? other.heldOutLoss
      else { return true }
      return own < best
    }
  }

  /// A change of plan after an epoch, so that the training ends in time.
  struct Shortening: Codable, Sendable, Equatable {
    /// Epochs that were done.
    var done: Int
    /// Epochs that were planned before, and from then on.
    var before: Int
    var after: Int
  }

  /// What was planned to be learned and how, in words.
  var plan: String
  var epochCount: Int
  var stepsPerEpoch: Int
  /// In the order in which they came; nil for none.
  var shortenings: [Shortening]?
  var epochs: [Epoch] = []
  /// The new last layer alone; nil for a network from scratch.
  var first: Epoch?
  /// Epoch whose parameters are kept; the average of parameters counts as that after the last.
  var best: Epoch?
  /// Sums over the epoch that is not finished.
  var current = EpochSums()
  /// Images per second of training.
  var speed: Double = 0

  /// What was learned and how, in words.
  var recipe: String {
    plan
      + (shortenings == nil ? "" : ", shortened on the way to \(epochCount) epochs to end in time")
  }

  /// Rates at every step: those of the recipe, as the changes of plan have left them.
  func schedule(_ recipe: Recipe) -> Schedule {
    let first = shortenings?.first?.before ?? epochCount
    return (shortenings ?? []).reduce(recipe.schedule(stepCount: first * stepsPerEpoch)) {
      .shortened(
        $0, stepCount: $1.before * stepsPerEpoch, from: $1.done * stepsPerEpoch,
        to: $1.after * stepsPerEpoch)
    }
  }

  /// Plans fewer epochs.
  mutating func shorten(to count: Int) {
    let change = Shortening(done: epochs.count, before: epochCount, after: count)
    shortenings = (shortenings ?? []) + [change]
    epochCount = count
  }

  /// Whether each change of plan follows from the one before it.
  var hasSoundPlan: Bool {
    var count = shortenings?.first?.before ?? epochCount
    var done = 0
    for change in shortenings ?? [] {
      guard change.before == count, change.done >= done, change.after > change.done,
        change.after < change.before
      else { return false }
      (count, done) = (change.after, change.done)
    }
    return count == epochCount && done <= epochs.count
  }
}

/// Sums over an epoch's steps.
struct EpochSums: Codable, Sendable, Equatable {
  private var imageCount = 0
  private var correctCount = 0
  private var answerCount = 0
  private var loss = 0.0

  mutating func add(_ step: Course.Step) {
    imageCount += step.imageCount
    correctCount += step.correctCount
    answerCount += step.answerCount
    loss += step.loss * Double(step.imageCount)
  }

  var accuracy: Double { Double(correctCount) / Double(max(1, answerCount)) }

  func epoch(_ number: Int, rate: Double) -> CourseRecord.Epoch {
    CourseRecord.Epoch(
      number: number, rate: rate, loss: loss / Double(max(1, imageCount)), accuracy: accuracy)
  }
}
