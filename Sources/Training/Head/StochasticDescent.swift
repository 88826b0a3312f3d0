import Engine
import Numbers

/// Minimiser of a head's loss by stochastic gradient descent: batches of shuffled rows, Nesterov's
/// momentum, and a rate of one cycle.
///
/// The highest rate follows from the features: the curvature of the loss is at most half of the
/// largest variance of the features in any direction (Böhning 1992, Multinomial Logistic Regression
/// Algorithm). Of two layers it also depends on what passes between them; as they begin, it is at most
/// about that of the features twice over, and half of the hidden units.
struct StochasticDescent {
  private static let momentum = 0.9
  /// Rows of a batch: a sixteenth of all, within these.
  private static let batchLimits = 8...512
  /// Passes over the rows, in so many steps.
  private static let epochCount = 20
  private static let stepLimits = 600...6000
  /// Share of the steps in which the rate rises.
  private static let risingShare = 0.25
  /// Rows that tell the curvature, and iterations that find it.
  private static let curvatureRowLimit = 4096
  private static let curvatureIterationCount = 12

  private let objective: HeadObjective
  private let seed: UInt64
  private let batchCount: Int
  let stepCount: Int
  private let curvature: Double

  init(
    _ objective: HeadObjective, hiddenCount: Int?, seed: UInt64
  ) throws(EngineError) {
    (self.objective, self.seed) = (objective, seed)
    let count = objective.features.rowCount
    let batch = min(
      max(count / 16, Self.batchLimits.lowerBound), Self.batchLimits.upperBound)
    // A remainder is spread over the batches.
    batchCount = max(1, count / batch)
    stepCount = min(
      max(Self.epochCount * batchCount, Self.stepLimits.lowerBound), Self.stepLimits.upperBound)
    let variance = try Self.largestVariance(objective.features)
    // The bias is a feature that is always 1.
    curvature = 0.5 * max(1, hiddenCount.map { 2 * variance + Double($0) / 2 } ?? variance)
  }

  /// Returns the parameters at the end; nil if it was stopped.
  func minimize(
    from start: HeadParameters, _ terms: HeadObjective.Terms, while continues: () -> Bool
  ) throws(EngineError) -> HeadParameters? {
    var parameters = start
    var velocity = [Double](repeating: 0, count: start.values.count)
    let schedule = Schedule.oneCycle(
      peak: 1 / (curvature + terms.regularization), stepCount: stepCount,
      risingShare: Self.risingShare)
    var order: [Int] = []
    for step in 0..<stepCount {
      guard continues() else { return nil }
      let (epoch, number) = step.quotientAndRemainder(dividingBy: batchCount)
      if number == 0 { order = self.order(of: epoch) }
      let rows =
        order.count * number / batchCount..<order.count * (number + 1) / batchCount
      let gradient = try objective.evaluate(parameters, terms, rows: order[rows]).gradient
      let rate = schedule.rate(at: step)
      for index in velocity.indices {
        velocity[index] = Self.momentum * velocity[index] + gradient[index]
        parameters.values[index] -= rate * (gradient[index] + Self.momentum * velocity[index])
      }
    }
    return parameters
  }

  private func order(of epoch: Int) -> [Int] {
    let numbers = ReproducibleNumbers("head order \(seed) \(epoch)")
    let keys = (0..<objective.features.rowCount).map { numbers.bits($0) }
    return keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
  }

  /// Returns the largest variance of scaled features in any direction, by power iteration on some
  /// of the rows.
  private static func largestVariance(_ features: FeatureMatrix) throws(EngineError) -> Double {
    let (all, depth) = (features.rowCount, features.columnCount)
    let count = min(all, curvatureRowLimit)
    guard count > 0 else { return 0 }
    let chosen = (0..<count).map { $0 * all / count }
    var direction = ReproducibleNumbers("head curvature").values(count: depth, from: -1, to: 1)
    var variance = 0.0
    for _ in 0..<curvatureIterationCount {
      let length = direction.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      guard length > 0 else { return 0 }
      direction = direction.map { Float(Double($0) / length) }
      let unit = direction
      var image = [Float](repeating: 0, count: depth)
      try features.withRows(.chosen(chosen[...])) { rows throws(EngineError) in
        var products = [Float](repeating: 0, count: count)
        var span = products.mutableSpan
        try MatrixProduct(rows: count, columns: 1, depth: depth)
          .multiply(rows, unit.span, into: &span)
        var sums = image.mutableSpan
        try MatrixProduct(rows: 1, columns: depth, depth: count)
          .multiply(products.span, rows, into: &sums)
      }
      direction = image.map { $0 / Float(count) }
      variance = zip(direction, unit).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    return variance
  }
}
