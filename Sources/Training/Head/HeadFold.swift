import Engine
import Glibc

/// How a head is learned.
package struct HeadSettings: Sendable {
  /// Way to the least loss.
  package enum Solver: String, CaseIterable, Sendable {
    /// Over all rows at once, until it converges.
    case lbfgs
    /// Over batches of rows, in a fixed number of steps.
    case sgd
  }

  package var solver = Solver.lbfgs
  /// Units of a layer between the features and the last one; nil for none.
  package var hiddenCount: Int?
  /// Regularisation to use; nil to choose it.
  package var regularization: Double?
  package var smoothing = 0.0
  /// Whether every class weighs the same, however many rows it has.
  package var isBalanced = false
  package var foldCount = 4
  package var seed: UInt64 = 0
  package var threads = 1

  package init() {}

  /// Whether the parameters for one regularisation are a good beginning for the next: not where a
  /// fixed number of steps leads away from any, nor where two layers may be stuck at 0.
  var continuesTrials: Bool { solver == .lbfgs && hiddenCount == nil }

  func start(_ samples: HeadSamples) -> HeadParameters {
    HeadParameters.start(
      classCount: samples.classCount, featureCount: samples.features.columnCount,
      hiddenCount: hiddenCount, seed: seed)
  }
}

/// Loss of single rows.
enum CrossEntropy {
  /// Returns the negative log-likelihood of a row's class, in nats, and whether its logit is the
  /// largest; of equal ones the first counts.
  static func of(_ logits: ArraySlice<Float>, label: Int) -> (loss: Double, isCorrect: Bool) {
    let largest = logits.max() ?? 0
    var sum = 0.0
    for logit in logits { sum += exp(Double(logit - largest)) }
    let own = logits[logits.startIndex + label]
    return (
      log(sum) - Double(own - largest),
      logits.firstIndex(of: largest) == logits.startIndex + label
    )
  }
}

/// Loss of one label that is there or not.
enum LogisticLoss {
  /// Returns the negative log-likelihood in nats, and the probability.
  static func of(_ logit: Double, target: Double) -> (loss: Double, probability: Double) {
    // log(1 + exp(-|x|)) does not overflow.
    let loss = max(logit, 0) - logit * target + log1p(exp(-abs(logit)))
    return (loss, 1 / (1 + exp(-logit)))
  }
}

/// Rows to learn from, scaled, as a function to minimise.
struct Part {
  private let objective: HeadObjective

  struct Outcome {
    var parameters: HeadParameters
    var iterationCount: Int
    /// Nil after a fixed number of steps.
    var isConverged: Bool?
  }

  init(_ samples: HeadSamples, _ scaling: FeatureScaling, _ settings: HeadSettings) {
    var classWeights: [Double]?
    if settings.isBalanced, samples.targets == nil {
      var counts = [Int](repeating: 0, count: samples.classCount)
      for label in samples.labels { counts[label] += 1 }
      classWeights = counts.map { $0 > 0 ? 1 / Double($0) : 0 }
    }
    objective = HeadObjective(
      scaling.applied(to: samples.features), labels: samples.labels, targets: samples.targets,
      classCount: samples.classCount, classWeights: classWeights, threads: settings.threads)
  }

  func fit(
    from start: HeadParameters, _ regularization: Double, _ settings: HeadSettings,
    _ continues: () -> Bool
  ) throws(EngineError) -> Outcome? {
    let terms = HeadObjective.Terms(
      regularization: regularization, smoothing: settings.smoothing)
    guard settings.solver == .lbfgs else {
      let descent = try StochasticDescent(
        objective, hiddenCount: settings.hiddenCount, seed: settings.seed)
      return try descent.minimize(from: start, terms, while: continues).map {
        Outcome(parameters: $0, iterationCount: descent.stepCount, isConverged: nil)
      }
    }
    var wasStopped = false
    let asked = {
      wasStopped = !continues()
      return !wasStopped
    }
    let found = try LBFGS().minimize(from: start.values, while: asked) {
      (values) throws(EngineError) in
      var parameters = start
      parameters.values = values
      return try objective.evaluate(parameters, terms)
    }
    guard !wasStopped else { return nil }
    var parameters = start
    parameters.values = found.point
    return Outcome(
      parameters: parameters, iterationCount: found.iterationCount, isConverged: found.isConverged)
  }
}

/// One fold of cross-validation: a head learned from all other rows judges its own plain ones.
struct Fold {
  let heldRows: [Int]
  private let part: Part
  private let scaling: FeatureScaling
  private let held: FeatureMatrix
  /// Parameters at the last regularisation, from which the next ones are not far.
  private var parameters: HeadParameters

  /// Returns nil if it has no rows, or all of them.
  ///
  /// Rows of a class that is in the fold as a whole are not judged: nobody can answer a class without
  /// having learned it.
  init?(
    _ samples: HeadSamples, _ folds: [Int], _ number: Int, _ settings: HeadSettings
  ) {
    let learned = samples.rows(folds.indices.filter { folds[$0] != number })
    let known = Set(learned.labels)
    // Of a single class there is nothing to choose from.
    guard samples.targets != nil || known.count > 1 else { return nil }
    let isKnown = { samples.targets != nil || known.contains(samples.labels[$0]) }
    heldRows = (0..<samples.plainCount).filter { folds[$0] == number && isKnown($0) }
    guard !heldRows.isEmpty, learned.count > 0 else { return nil }
    scaling = FeatureScaling(learned.features)
    part = Part(learned, scaling, settings)
    held = samples.features.rows(heldRows)
    parameters = settings.start(samples)
  }

  /// Returns the logits of the fold's own rows, or nil if it was stopped.
  mutating func logits(
    _ regularization: Double, _ settings: HeadSettings, _ continues: () -> Bool
  ) throws(EngineError) -> [Float]? {
    guard let outcome = try part.fit(from: parameters, regularization, settings, continues) else {
      return nil
    }
    if settings.continuesTrials { parameters = outcome.parameters }
    return try scaling.unscaled(outcome.parameters).logits(held)
  }
}

/// Mean loss and share of right answers of rows of logits.
package struct ClassScores: Sendable {
  /// In nats.
  package let logLoss: Double
  package let accuracy: Double

  /// - Parameter logits: Row-major `[labels, classes]`.
  package init(_ logits: [Float], labels: [Int], classCount: Int) {
    precondition(logits.count == labels.count * classCount, "each label must have its logits")
    var (loss, correct) = (0.0, 0)
    for (place, label) in labels.enumerated() {
      let score = CrossEntropy.of(
        logits[place * classCount..<(place + 1) * classCount], label: label)
      loss += score.loss
      correct += score.isCorrect ? 1 : 0
    }
    logLoss = loss / Double(max(labels.count, 1))
    accuracy = Double(correct) / Double(max(labels.count, 1))
  }

  /// Scores independent labels: the loss of a row is the sum of theirs, and each is an answer.
  ///
  /// - Parameters:
  ///   - logits: Row-major `[rows, labels]`.
  ///   - targets: Of the same shape, 0 or 1.
  package init(_ logits: [Float], targets: [Float], labelCount: Int) {
    precondition(logits.count == targets.count, "each logit must have its target")
    var (loss, correct) = (0.0, 0)
    for (logit, target) in zip(logits, targets) {
      loss += LogisticLoss.of(Double(logit), target: Double(target)).loss
      correct += (logit > 0) == (target > 0.5) ? 1 : 0
    }
    logLoss = loss * Double(labelCount) / Double(max(logits.count, 1))
    accuracy = Double(correct) / Double(max(logits.count, 1))
  }
}
