package import Engine
import Glibc

/// Adds classes to a head of whose own classes there are no examples, or only of some.
///
/// Rows of classes without examples stay as they are, bit for bit. What is learned is a row for each
/// new class, and a change of the row of each class that has examples: multinomial logistic
/// regression over all classes, on the examples and on features that are made up for the head's own
/// classes (`ClassPrototypes`), every class with the same weight.
package struct HeadExtender: Sendable {
  package struct Settings: Sendable {
    /// Penalty on the squares of what is learned.
    ///
    /// Fixed: cross-validation knows no images of the old classes and would take too weak a one. On
    /// the embedded ResNet-20 0.01 took two to six more of 100 images from the old classes than 0.1, and
    /// 0.3 up to eight of 100 from the new ones.
    package var regularization = 0.1
    package var foldCount = 4
    package var seed: UInt64 = 0

    package init() {}
  }

  private let settings: Settings

  package init(_ settings: Settings = Settings()) {
    precondition(settings.foldCount > 1, "there must be two folds or more")
    self.settings = settings
  }

  /// Learns a head.
  ///
  /// - Parameters:
  ///   - head: The head to add to; its classes come first.
  ///   - samples: Examples, of all classes that are new at least; new ones follow the head's own.
  ///   - continues: Asked now and then; false ends it with nil.
  package func extend(
    _ head: LinearHead, by samples: HeadSamples, while continues: () -> Bool = { true }
  ) throws(EngineError) -> HeadExtension? {
    precondition(samples.count > 0, "there must be rows to learn from")
    precondition(samples.classCount >= head.classCount, "the head's classes come first")
    let prototypes = try ClassPrototypes(of: head, like: samples, seed: settings.seed)
    let parts = StratifiedParts.parts(
      settings.foldCount, labels: samples.labels, groups: samples.groups, seed: settings.seed)
    var (judgedCount, correctCount) = (0, 0)
    for fold in 0..<settings.foldCount {
      let held = parts.indices.filter { parts[$0] == fold }
      let rest = parts.indices.filter { parts[$0] != fold }
      guard !held.isEmpty, !rest.isEmpty else { continue }
      guard let part = try fit(head, samples.rows(rest), prototypes, continues) else { return nil }
      let judged = samples.rows(held)
      let logits = try part.logits(judged.features)
      for (row, label) in judged.labels.enumerated() {
        let own = logits[row * samples.classCount..<(row + 1) * samples.classCount]
        judgedCount += 1
        correctCount += CrossEntropy.of(own, label: label).isCorrect ? 1 : 0
      }
    }
    guard let whole = try fit(head, samples, prototypes, continues) else { return nil }
    return HeadExtension(
      head: whole,
      accuracy: judgedCount > 0 ? Double(correctCount) / Double(judgedCount) : nil,
      judgedCount: judgedCount, prototypeCount: prototypes.labels.count)
  }

  private func fit(
    _ head: LinearHead, _ samples: HeadSamples, _ prototypes: ClassPrototypes,
    _ continues: () -> Bool
  ) throws(EngineError) -> LinearHead? {
    let objective = try ExtensionObjective(
      head, samples, prototypes, regularization: settings.regularization)
    var wasStopped = false
    let asked = {
      wasStopped = !continues()
      return !wasStopped
    }
    let found = try LBFGS().minimize(from: objective.start, while: asked) {
      (values) throws(EngineError) in try objective.evaluate(values)
    }
    return wasStopped ? nil : objective.head(at: found.point)
  }
}

/// A head with further classes, and how well it does.
package struct HeadExtension: Sendable {
  package let head: LinearHead
  /// Share of the examples that heads learned without them answer rightly, of all classes; nil if
  /// there are too few to tell.
  package let accuracy: Double?
  package let judgedCount: Int
  /// Features that were made up for the head's own classes.
  package let prototypeCount: Int
}

/// Loss of what is learned when a head gets further classes, and its gradient.
private struct ExtensionObjective {
  private let former: LinearHead
  private let scaling: FeatureScaling
  /// Scaled features `[N, D]`.
  private let features: FeatureMatrix
  /// Classes that are learned, ascending.
  private let learned: [Int]
  private let classCount: Int
  /// Logits by the former head of the learned classes, `[N, L]`; 0 for new ones.
  private let base: [Float]
  /// Logarithm of the sum of the exponentials of all other logits; nil if there are none.
  private let others: [Double?]
  /// Place of a row's class among the learned ones, or its logit.
  private let targets: [Target]
  private let rowWeights: [Double]
  private let regularization: Double

  private enum Target {
    case learned(Int)
    case fixed(Double)
  }

  init(
    _ head: LinearHead, _ samples: HeadSamples, _ prototypes: ClassPrototypes,
    regularization: Double
  ) throws(EngineError) {
    let depth = head.featureCount
    let all = FeatureMatrix(
      columnCount: depth, values: samples.features.values + prototypes.features.values)
    let labels = samples.labels + prototypes.labels
    former = head
    scaling = FeatureScaling(all)
    features = scaling.applied(to: all)
    classCount = samples.classCount
    self.regularization = regularization
    let learned = Set(samples.labels).union(head.classCount..<samples.classCount).sorted()
    self.learned = learned
    var counts = [Int](repeating: 0, count: classCount)
    for label in labels { counts[label] += 1 }
    let present = Double(counts.count { $0 > 0 })
    rowWeights = labels.map { 1 / Double(counts[$0]) / present }
    let places = Dictionary(uniqueKeysWithValues: learned.enumerated().map { ($1, $0) })
    let isLearned = (0..<head.classCount).map { places[$0] != nil }
    var base: [Float] = []
    var others: [Double?] = []
    var targets: [Target] = []
    // Row by row: all logits of all rows at once would take much memory for many classes.
    for (row, label) in labels.enumerated() {
      let logits = try head.logits(all.rows([row]))
      base += learned.map { $0 < head.classCount ? logits[$0] : 0 }
      let fixed = logits.indices.filter { !isLearned[$0] }.map { Double(logits[$0]) }
      others.append(Self.logSum(fixed))
      targets.append(places[label].map { .learned($0) } ?? .fixed(Double(logits[label])))
    }
    (self.base, self.others, self.targets) = (base, others, targets)
  }

  /// All changes 0: weights `[L, D]`, then bias `[L]`.
  var start: [Double] { [Double](repeating: 0, count: learned.count * (features.columnCount + 1)) }

  func evaluate(_ values: [Double]) throws(EngineError) -> LBFGS.Evaluation {
    let (count, depth) = (learned.count, features.columnCount)
    let weights = values[..<(count * depth)].map { Float($0) }
    var numbers = base
    for row in 0..<features.rowCount {
      for place in 0..<count {
        numbers[row * count + place] += Float(values[count * depth + place])
      }
    }
    var product = MatrixProduct(rows: features.rowCount, columns: count, depth: depth)
    product.transposesB = true
    product.accumulates = true
    var span = numbers.mutableSpan
    try product.multiply(features.values.span, weights.span, into: &span)
    var result = LBFGS.Evaluation(value: 0, gradient: [Double](repeating: 0, count: values.count))
    for row in 0..<features.rowCount {
      result.value += replace(&span, row, &result.gradient)
    }
    var back = MatrixProduct(rows: count, columns: depth, depth: features.rowCount)
    back.transposesA = true
    var gradient = [Float](repeating: 0, count: count * depth)
    var sums = gradient.mutableSpan
    try back.multiply(numbers.span, features.values.span, into: &sums)
    for index in 0..<count * depth {
      result.value += regularization / 2 * values[index] * values[index]
      result.gradient[index] = Double(gradient[index]) + regularization * values[index]
    }
    return result
  }

  /// Puts the gradients in the place of a row's logits, and returns the row's part of the loss.
  private func replace(
    _ numbers: inout MutableSpan<Float>, _ row: Int, _ gradient: inout [Double]
  ) -> Double {
    let (count, start) = (learned.count, row * learned.count)
    var largest = others[row] ?? -.infinity
    for place in 0..<count { largest = max(largest, Double(numbers[start + place])) }
    var sum = others[row].map { exp($0 - largest) } ?? 0
    for place in 0..<count { sum += exp(Double(numbers[start + place]) - largest) }
    let weight = rowWeights[row]
    var (own, target) = (0.0, -1)
    switch targets[row] {
    case .learned(let place): (own, target) = (Double(numbers[start + place]), place)
    case .fixed(let logit): own = logit
    }
    for place in 0..<count {
      let probability = exp(Double(numbers[start + place]) - largest) / sum
      let slope = weight * (probability - (place == target ? 1 : 0))
      gradient[count * features.columnCount + place] += slope
      numbers[start + place] = Float(slope)
    }
    return weight * (largest + log(sum) - own)
  }

  /// Returns the former head with these changes.
  func head(at point: [Double]) -> LinearHead {
    let depth = features.columnCount
    var parameters = HeadParameters(classCount: learned.count, featureCount: depth)
    parameters.values = point
    let change = scaling.unscaled(parameters).last
    var weights = former.weights
    var bias = former.bias
    weights += [Float](repeating: 0, count: classCount * depth - weights.count)
    bias += [Float](repeating: 0, count: classCount - bias.count)
    for (place, k) in learned.enumerated() {
      for column in 0..<depth {
        weights[k * depth + column] += change.weights[place * depth + column]
      }
      bias[k] += change.bias[place]
    }
    return LinearHead(featureCount: depth, weights: weights, bias: bias)
  }

  private static func logSum(_ values: [Double]) -> Double? {
    guard let largest = values.max() else { return nil }
    return largest + log(values.reduce(0) { $0 + exp($1 - largest) })
  }
}
