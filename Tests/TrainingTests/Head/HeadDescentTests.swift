import Engine
import Numbers
import Testing
import Training

/// Heads that SGD learns from made-up features.
@Suite struct HeadDescentTests {
  private static let count = 400

  /// Features of which two tell the class, with noise, in very different scales.
  private static func samples(hasLabels: Bool) -> HeadSamples {
    let numbers = ReproducibleNumbers("descent features").values(
      count: count * 6, from: 0, to: 1)
    let features = FeatureMatrix(
      columnCount: 6,
      values: numbers.enumerated().map { $1 * (($0 % 6) < 2 ? 3 : 1) + Float($0 % 6) })
    let noise = ReproducibleNumbers("descent labels").values(count: count, from: -0.5, to: 0.5)
    let labels = (0..<count).map { row in
      let start = row * 6
      let sum = features.values[start] - features.values[start + 1] + 1 + noise[row]
      return sum < -0.5 ? 0 : sum < 0.5 ? 1 : 2
    }
    let targets = labels.flatMap { [Float($0 == 0 ? 1 : 0), Float($0 < 2 ? 1 : 0)] }
    return HeadSamples(
      features, labels: labels, classCount: hasLabels ? 2 : 3, targets: hasLabels ? targets : nil)
  }

  private static func loss(_ fit: HeadFit, _ samples: HeadSamples) throws -> Double {
    let logits = try fit.head.logits(samples.features)
    return samples.targets.map {
      ClassScores(logits, targets: $0, labelCount: samples.classCount).logLoss
    } ?? ClassScores(logits, labels: samples.labels, classCount: samples.classCount).logLoss
  }

  @Test(
    "It ends near the loss of L-BFGS, with a penalty and with next to none",
    arguments: [false, true], [1e-4, 0.1])
  func leastLoss(hasLabels: Bool, regularization: Double) throws {
    let samples = Self.samples(hasLabels: hasLabels)
    var settings = HeadSettings()
    settings.regularization = regularization
    let least = try #require(try HeadFitter(settings).fit(samples))
    settings.solver = .sgd
    let found = try #require(try HeadFitter(settings).fit(samples))
    #expect(found.solver == .sgd && found.isConverged == nil && found.iterationCount == 600)
    let (wanted, loss) = (try Self.loss(least, samples), try Self.loss(found, samples))
    #expect(abs(loss - wanted) < 0.05 * wanted, "\(loss), least \(wanted)")
  }

  @Test("The seed decides the bits, and threads do not")
  func seeds() throws {
    let samples = Self.samples(hasLabels: false)
    var settings = HeadSettings()
    (settings.solver, settings.regularization) = (.sgd, 0.01)
    var heads: Set<[Float]> = []
    for threads in [1, 2, 4] {
      settings.threads = threads
      heads.insert(try #require(try HeadFitter(settings).fit(samples)).head.weights)
    }
    #expect(heads.count == 1)
    settings.seed = 1
    heads.insert(try #require(try HeadFitter(settings).fit(samples)).head.weights)
    #expect(heads.count == 2)
    #expect(try HeadFitter(settings).fit(samples, while: { false }) == nil)
  }

  @Test("The penalty is chosen by cross-validation too")
  func search() throws {
    var settings = HeadSettings()
    settings.solver = .sgd
    let fit = try #require(
      try HeadFitter(settings).fit(Self.samples(hasLabels: false).rows(Array(0..<90))))
    #expect(fit.trials.count >= 3 && (fit.crossValidation?.accuracy ?? 0) > 0.7)
  }

  @Test("A batch of all rows has their loss, and parts of them have it on the mean")
  func batches() throws {
    let samples = Self.samples(hasLabels: false)
    let objective = HeadObjective(
      samples.features, labels: samples.labels, classCount: 3, classWeights: [1, 2, 0.5],
      threads: 1)
    var parameters = HeadParameters(classCount: 3, featureCount: 6)
    parameters.values = ReproducibleNumbers("descent point").values(
      count: 21, from: -0.3, to: 0.3
    ).map(Double.init)
    let terms = HeadObjective.Terms(regularization: 0.1)
    let whole = try objective.evaluate(parameters, terms)
    var gradient = [Double](repeating: 0, count: 21)
    var value = 0.0
    for part in 0..<4 {
      let rows = Array(0..<Self.count).filter { $0 % 4 == part }
      let found = try objective.evaluate(parameters, terms, rows: rows[...])
      value += found.value / 4
      for index in gradient.indices { gradient[index] += found.gradient[index] / 4 }
    }
    #expect(abs(value - whole.value) < 1e-5)
    for (one, other) in zip(gradient, whole.gradient) { #expect(abs(one - other) < 1e-5) }
  }
}
