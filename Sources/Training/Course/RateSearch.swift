import Glibc

/// Search for a learning rate: steps of rising rates until the loss explodes (Smith 2017, Cyclical
/// Learning Rates for Training Neural Networks, section 3.3).
package struct RateSearch: Sendable {
  package struct Trial: Sendable {
    package var rate: Double
    /// Loss of the step that was then made with this rate.
    package var loss: Double
    /// Mean over the steps around it, nearer ones weighing more.
    package var smoothedLoss: Double
  }

  /// Steps, and the first and the last rate, as in fastai's `lr_find`.
  package static let stepCount = 100
  package static let rates: ClosedRange<Double> = 1e-7...10
  /// Multiple of the least loss beyond which it explodes; fastai's too.
  private static let explosion = 4.0
  /// Share of a running mean that a step changes.
  private static let runningShare = 0.1
  /// Steps on each side that a smoothed loss has a part of.
  private static let reach = 5
  /// Share of the first loss by which it must fall for the curve to say anything.
  private static let leastFall = 0.05

  package private(set) var trials: [Trial] = []
  /// Whether the loss exploded before the last rate.
  package private(set) var hasExploded = false
  private var runningLoss = 0.0
  private var leastLoss = Double.infinity

  package init() {}

  /// Takes in a step's loss. Returns whether to go on to larger rates.
  package mutating func record(rate: Double, loss: Double) -> Bool {
    guard loss.isFinite else {
      hasExploded = true
      return false
    }
    trials.append(Trial(rate: rate, loss: loss, smoothedLoss: loss))
    runningLoss += Self.runningShare * (loss - runningLoss)
    // Of the first steps the running mean is still too small.
    let mean = runningLoss / (1 - pow(1 - Self.runningShare, Double(trials.count)))
    leastLoss = min(leastLoss, mean)
    guard mean > Self.explosion * leastLoss, trials.count > 2 * Self.reach else { return true }
    hasExploded = true
    return false
  }

  /// Smooths the losses; after the last step.
  package mutating func finish() {
    let losses = trials.map(\.loss)
    for place in losses.indices {
      var (sum, weights) = (0.0, 0.0)
      // As far on both sides, so that a falling line stays one up to its ends.
      let reach = min(Self.reach, place, losses.count - 1 - place)
      for other in place - reach...place + reach {
        let weight = Double(reach + 1 - abs(other - place))
        sum += weight * losses[other]
        weights += weight
      }
      trials[place].smoothedLoss = sum / weights
    }
  }

  /// Trial with the least smoothed loss.
  package var least: Trial? { trials.min { $0.smoothedLoss < $1.smoothedLoss } }

  /// Trial before the least one at which the loss falls fastest over the logarithm of the rate; nil if
  /// it falls nowhere.
  package var steepest: Trial? {
    guard let end = trials.indices.min(by: { trials[$0].smoothedLoss < trials[$1].smoothedLoss }),
      end > 1
    else { return nil }
    let falls = (1..<end).map { trials[$0 - 1].smoothedLoss - trials[$0 + 1].smoothedLoss }
    guard let most = falls.max(), most > 0 else { return nil }
    return falls.firstIndex(of: most).map { trials[$0 + 1] }
  }

  /// Suggested highest rate: a tenth of that with the least loss, which is near explosion.
  package var suggestion: Double? { least.map { $0.rate / 10 } }

  /// Whether the loss fell so much, and rose again, that the suggestion means something.
  package var isClear: Bool {
    guard let first = trials.first, let last = trials.last, let least else { return false }
    let limit = (1 - Self.leastFall) * first.smoothedLoss
    return least.smoothedLoss < limit && (hasExploded || least.rate < last.rate)
  }
}

extension Course {
  /// Tries rising rates, and restores the state as it was before; only before the first step.
  ///
  /// - Parameters:
  ///   - progress: Hears of each step, counted from 1.
  ///   - continues: Asked before each step; false ends the search with nil.
  package func searchRate(
    progress: (Int) -> Void = { _ in }, while continues: () -> Bool = { true }
  ) throws(TrainingError) -> RateSearch? {
    let (state, schedule) = (try state, settings.schedule)
    plan(
      .exponential(
        first: RateSearch.rates.lowerBound, last: RateSearch.rates.upperBound,
        stepCount: RateSearch.stepCount))
    var search = RateSearch()
    var isComplete = true
    for number in 1...RateSearch.stepCount {
      isComplete = continues()
      guard isComplete else { break }
      let step = try advance()
      progress(number)
      guard search.record(rate: step.rate, loss: step.loss) else { break }
    }
    try restore(state)
    plan(schedule)
    guard isComplete else { return nil }
    search.finish()
    return search
  }
}
