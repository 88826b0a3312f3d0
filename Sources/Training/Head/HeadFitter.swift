package import Engine
import Glibc

/// Learns the last layer of a frozen network, and one before it if that is wanted: multinomial
/// logistic regression, or one logistic regression for each independent label, with a
/// regularisation that cross-validation chooses.
package struct HeadFitter: Sendable {
  /// What a regularisation gave on rows that it was not learned from.
  package struct Trial: Sendable {
    package var regularization: Double
    /// Mean cross entropy, in nats.
    package var logLoss: Double
    package var accuracy: Double
  }

  /// A part of the work has been done.
  package enum Progress: Sendable {
    case trial(Trial)
    case fitted(iterationCount: Int)
  }

  /// Rows beyond which the regularisation is chosen on a sample of so many.
  package static let searchRowLimit = 20_000
  /// Regularisations that are tried, strongest first: 10 to 10^-6 in steps of a factor of √10, or of
  /// 10 where a trial gains nothing from the one before it. Two layers give up at stronger ones than
  /// 0.1, so that their loss there says nothing.
  private var candidates: [Double] {
    if settings.hiddenCount != nil { return (1...5).map { pow(10, -Double($0)) } }
    return settings.continuesTrials
      ? (0...14).map { pow(10, 1 - Double($0) / 2) } : (0...7).map { pow(10, 1 - Double($0)) }
  }
  /// Trials without a better one after which weaker regularisations are not tried.
  private static let patience = 2

  private let settings: HeadSettings

  package init(_ settings: HeadSettings = HeadSettings()) {
    precondition(settings.foldCount > 1, "there must be two folds or more")
    precondition(0..<1 ~= settings.smoothing, "smoothing must be from 0 to below 1")
    precondition(settings.hiddenCount ?? 1 > 0, "a layer must have units")
    self.settings = settings
  }

  /// Learns a head.
  ///
  /// - Parameter continues: Asked now and then; false ends it with nil.
  package func fit(
    _ samples: HeadSamples, progress: (Progress) -> Void = { _ in },
    while continues: () -> Bool = { true }
  ) throws(EngineError) -> HeadFit? {
    precondition(samples.count > 0, "there must be rows to learn from")
    var fit = HeadFit()
    if let given = settings.regularization {
      (fit.regularization, fit.isGiven) = (given, true)
    } else {
      guard let search = try search(samples, progress, continues) else { return nil }
      fit.trials = search.trials
      fit.crossValidation = search.best
      // The loss is a mean: with more rows the same trust in them is a weaker regularisation.
      let count = Double(min(samples.count, Self.searchRowLimit))
      fit.regularization = search.regularization * count / Double(samples.count)
    }
    let scaling = FeatureScaling(samples.features)
    let part = Part(samples, scaling, settings)
    guard
      let outcome = try part.fit(
        from: settings.start(samples), fit.regularization, settings, continues)
    else { return nil }
    progress(.fitted(iterationCount: outcome.iterationCount))
    fit.iterationCount = outcome.iterationCount
    fit.isConverged = outcome.isConverged
    fit.solver = settings.solver
    fit.layers = scaling.unscaled(outcome.parameters)
    return fit
  }

  /// Outcome of cross-validation.
  private struct Search {
    var trials: [Trial] = []
    var regularization = 0.0
    var best: CrossValidation?
  }

  private func search(
    _ all: HeadSamples, _ progress: (Progress) -> Void, _ continues: () -> Bool
  ) throws(EngineError) -> Search? {
    let rows = sampledRows(all)
    let samples = rows.map { all.rows($0) } ?? all
    let folds = StratifiedParts.parts(
      settings.foldCount, labels: samples.labels, groups: samples.groups, seed: settings.seed)
    var parts = (0..<settings.foldCount).compactMap { Fold(samples, folds, $0, settings) }
    var search = Search()
    guard !parts.isEmpty else {
      // Neither a single group nor classes of one group each can be judged by others.
      search.regularization = 1
      return search
    }
    var failures = 0
    for candidate in candidates {
      var logits = [Float](repeating: 0, count: samples.plainCount * samples.classCount)
      var judged = [Bool](repeating: false, count: samples.plainCount)
      for index in parts.indices {
        guard
          let outputs = try parts[index].logits(candidate, settings, continues)
        else { return nil }
        for (place, row) in parts[index].heldRows.enumerated() {
          judged[row] = true
          for k in 0..<samples.classCount {
            logits[row * samples.classCount + k] = outputs[place * samples.classCount + k]
          }
        }
      }
      let result = CrossValidation(
        rows: rows ?? Array(0..<all.count), judged: judged, samples, logits: logits)
      let trial = Trial(
        regularization: candidate, logLoss: result.logLoss, accuracy: result.accuracy)
      progress(.trial(trial))
      search.trials.append(trial)
      if let best = search.best, trial.logLoss >= best.logLoss {
        failures += 1
        if failures > Self.patience { break }
      } else {
        failures = 0
        search.best = result
        search.regularization = candidate
      }
    }
    return search
  }

  /// Returns the rows to search with if there are too many, alike in their classes.
  private func sampledRows(_ samples: HeadSamples) -> [Int]? {
    guard samples.count > Self.searchRowLimit else { return nil }
    let share = Double(Self.searchRowLimit) / Double(samples.count)
    let isTaken = StratifiedParts.heldBack(
      share: share, labels: samples.labels, groups: samples.groups, seed: settings.seed)
    return samples.labels.indices.filter { isTaken[$0] }
  }
}

/// A head that was learned, and how.
package struct HeadFit: Sendable {
  package internal(set) var layers = HeadLayers(
    last: LinearHead(featureCount: 0, weights: [], bias: []))
  /// The last layer.
  package var head: LinearHead { layers.last }
  package internal(set) var regularization = 0.0
  /// Whether the regularisation was given.
  package internal(set) var isGiven = false
  /// Regularisations that were tried, in order; empty if one was given or no row can be judged.
  package internal(set) var trials: [HeadFitter.Trial] = []
  /// Outputs for rows that were left out in turn, at the best regularisation of the trials.
  package internal(set) var crossValidation: CrossValidation?
  package internal(set) var iterationCount = 0
  package internal(set) var solver = HeadSettings.Solver.lbfgs
  /// Whether the loss could not be made smaller; otherwise the iterations ran out. Nil for SGD, which
  /// makes a fixed number of steps.
  package internal(set) var isConverged: Bool?
}

/// Logits of rows by heads that were not learned from them.
package struct CrossValidation: Sendable {
  /// Rows of the samples that were judged, ascending.
  package let rows: [Int]
  package let labels: [Int]
  /// Row-major `[rows, classes]`.
  package let logits: [Float]
  package let classCount: Int
  package let logLoss: Double
  package let accuracy: Double

  init(rows: [Int], judged: [Bool], _ samples: HeadSamples, logits: [Float]) {
    let (places, classCount) = (judged.indices.filter { judged[$0] }, samples.classCount)
    func judgedRows(_ numbers: [Float]) -> [Float] {
      places.flatMap { numbers[$0 * classCount..<($0 + 1) * classCount] }
    }
    let judgedLogits = judgedRows(logits)
    let judgedLabels = places.map { samples.labels[$0] }
    let score =
      samples.targets.map {
        ClassScores(judgedLogits, targets: judgedRows($0), labelCount: classCount)
      } ?? ClassScores(judgedLogits, labels: judgedLabels, classCount: classCount)
    self.rows = places.map { rows[$0] }
    (labels, self.logits, self.classCount) = (judgedLabels, judgedLogits, classCount)
    (logLoss, accuracy) = (score.logLoss, score.accuracy)
  }
}
