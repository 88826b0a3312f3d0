import Engine
import Numbers
import ResNet
import Testing
import Training

/// Heads that are learned from made-up features.
@Suite struct HeadFitterTests {
  /// Features and labels of Fixtures/make-head.py.
  private static let samples: HeadSamples = {
    let features = FeatureMatrix(
      columnCount: 4,
      values: ReproducibleNumbers("head features").values(count: 240, from: 0, to: 3))
    let noise = ReproducibleNumbers("head labels").values(count: 60, from: -1, to: 1)
    let labels = (0..<60).map { row in
      let start = features.row(row).startIndex
      let sum = features.row(row)[start] + features.row(row)[start + 1] + noise[row]
      return min(max(Int((sum / 2).rounded(.down)), 0), 2)
    }
    return HeadSamples(features, labels: labels, classCount: 3)
  }()

  /// What scikit-learn 1.x learns from the same, by make-head.py.
  private static let plain: (weights: [Float], bias: [Float]) = (
    [
      -1.281598, -1.097114, 0.02570426, -0.1605307, 0.3480763, -0.002792671, 0.04763961,
      -0.2075832, 0.933522, 1.099907, -0.07334388, 0.3681139,
    ], [3.352424, 0.7378105, -4.090235]
  )
  private static let balanced: (weights: [Float], bias: [Float]) = (
    [
      -1.267426, -1.12687, 0.03287287, -0.1299236, 0.271791, -0.1240127, 0.0005342391, -0.2607997,
      0.9956354, 1.250883, -0.03340711, 0.3907233,
    ], [3.416286, 0.6867216, -4.103007]
  )

  private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }

  @Test("The head is that of scikit-learn's logistic regression", arguments: [false, true])
  func reference(isBalanced: Bool) throws {
    var settings = HeadSettings()
    settings.regularization = 0.05
    settings.isBalanced = isBalanced
    let fit = try #require(try HeadFitter(settings).fit(Self.samples))
    let expected = isBalanced ? Self.balanced : Self.plain
    #expect(fit.isConverged == true && fit.trials.isEmpty && fit.crossValidation == nil)
    #expect(largestDifference(fit.head.weights, expected.weights) < 1e-3)
    // Only differences of biases have an influence; scikit-learn's sum to 0, and so do ours.
    #expect(largestDifference(fit.head.bias, expected.bias) < 2e-3)
  }

  @Test("Cross-validation trusts features that tell the classes, and distrusts noise")
  func regularization() throws {
    let noise = HeadSamples(
      Self.samples.features, labels: (0..<60).map { $0 % 3 }, classCount: 3)
    let strong = try #require(try HeadFitter().fit(noise))
    #expect(strong.regularization >= 1)
    var separable = FeatureMatrix(columnCount: 2)
    for row in 0..<60 {
      separable.append([Float(row % 3), Float(row % 2) * 0.01])
    }
    let weak = try #require(
      try HeadFitter().fit(
        HeadSamples(separable, labels: (0..<60).map { $0 % 3 }, classCount: 3)))
    #expect(weak.regularization < 0.01)
    #expect(weak.crossValidation?.accuracy == 1)
    let best = try #require(strong.trials.min { $0.logLoss < $1.logLoss })
    #expect(best.regularization == strong.regularization)
    #expect(strong.crossValidation?.logLoss == best.logLoss)
    // As many as there are rows, each once.
    #expect(strong.crossValidation?.rows == Array(0..<60))
  }

  @Test("A class of one group is not judged, and where all are so nothing is")
  func loneGroups() throws {
    let all = Self.samples
    let lone = HeadSamples(
      all.features, labels: all.labels, groups: all.labels, classCount: 3)
    let fit = try #require(try HeadFitter().fit(lone))
    #expect(fit.trials.isEmpty && fit.crossValidation == nil && !fit.isGiven)
    #expect(try RidgePreview(lone, heldOut: nil) == nil)
    // One class alone.
    let groups = all.labels.enumerated().map { $1 == 0 ? 0 : 1 + $0 }
    let mixed = HeadSamples(all.features, labels: all.labels, groups: groups, classCount: 3)
    let judged = try #require(try HeadFitter().fit(mixed)?.crossValidation)
    #expect(judged.labels == all.labels.filter { $0 != 0 })
    #expect(judged.rows == all.labels.indices.filter { all.labels[$0] != 0 })
    let preview = try #require(try RidgePreview(mixed, heldOut: nil))
    #expect(preview.judgedCount == judged.labels.count && preview.accuracy > 0.4)
  }

  @Test("Being stopped gives no head")
  func stopped() throws {
    var asked = 0
    let fit = try HeadFitter().fit(
      Self.samples,
      while: {
        asked += 1
        return asked < 20
      })
    #expect(fit == nil)
  }

  @Test("Any number of threads gives the same bits")
  func threads() throws {
    let count = 3000
    let features = FeatureMatrix(
      columnCount: 256,
      values: ReproducibleNumbers("thread features").values(count: count * 256, from: 0, to: 1))
    let labels = (0..<count).map {
      Int(ReproducibleNumbers("thread labels").fraction($0) * 5)
    }
    let samples = HeadSamples(features, labels: labels, classCount: 5)
    var heads: [[Float]] = []
    for threads in [1, 2, 4] {
      var settings = HeadSettings()
      settings.regularization = 0.1
      settings.threads = threads
      let fit = try #require(try HeadFitter(settings).fit(samples))
      heads.append(fit.head.weights + fit.head.bias)
    }
    #expect(heads[0].contains { $0 != 0 })
    #expect(heads[1] == heads[0] && heads[2] == heads[0])
  }

  @Test("Gradients are those of finite differences", arguments: [0.0, 0.1])
  func gradients(smoothing: Double) throws {
    let samples = Self.samples
    let objective = HeadObjective(
      samples.features, labels: samples.labels, classCount: 3, classWeights: [1, 0.5, 2],
      threads: 1)
    let terms = HeadObjective.Terms(regularization: 0.3, smoothing: smoothing)
    var parameters = HeadParameters(classCount: 3, featureCount: 4)
    let start = ReproducibleNumbers("head parameters").values(count: 15, from: -0.5, to: 0.5)
    parameters.values = start.map { Double($0) }
    let gradient = try objective.evaluate(parameters, terms).gradient
    // A power of two, so that parameters and steps are exact in fp32.
    let step = 0x1p-6
    for index in parameters.values.indices {
      var (before, after) = (parameters, parameters)
      before.values[index] -= step
      after.values[index] += step
      let slope =
        (try objective.evaluate(after, terms).value - objective.evaluate(before, terms).value)
        / (2 * step)
      #expect(abs(slope - gradient[index]) < 3e-4, "parameter \(index)")
    }
  }

  @Test("The loss is the mean cross entropy of each row's class")
  func loss() throws {
    let features = FeatureMatrix(columnCount: 1, values: [1, -1])
    let objective = HeadObjective(
      features, labels: [0, 1], classCount: 2, classWeights: nil, threads: 1)
    let start = HeadParameters(classCount: 2, featureCount: 1)
    let value = try objective.evaluate(start, .init(regularization: 1)).value
    #expect(abs(value - 0.6931471805599453) < 1e-12)
  }
}
