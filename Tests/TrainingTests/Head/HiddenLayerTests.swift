import Engine
import Numbers
import Testing
import Training

/// Heads with a layer before the last one, learned from made-up features.
@Suite struct HiddenLayerTests {
  private static let count = 120

  /// Points of a plane in a chequered pattern, which no straight line divides.
  private static func samples(hasLabels: Bool) -> HeadSamples {
    let numbers = ReproducibleNumbers("hidden features").values(
      count: count * 2, from: -1, to: 1)
    let features = FeatureMatrix(columnCount: 2, values: numbers.map { 5 + 3 * $0 })
    let labels = (0..<count).map { numbers[2 * $0] * numbers[2 * $0 + 1] > 0 ? 1 : 0 }
    return HeadSamples(
      features, labels: labels, classCount: hasLabels ? 1 : 2,
      targets: hasLabels ? labels.map { Float($0) } : nil)
  }

  private static func accuracy(_ fit: HeadFit, _ samples: HeadSamples) throws -> Double {
    let logits = try fit.layers.logits(samples.features)
    return samples.targets.map {
      ClassScores(logits, targets: $0, labelCount: samples.classCount).accuracy
    } ?? ClassScores(logits, labels: samples.labels, classCount: samples.classCount).accuracy
  }

  @Test(
    "A hidden layer learns what no straight line divides, the same on any number of threads",
    arguments: [false, true], HeadSettings.Solver.allCases)
  func chequers(hasLabels: Bool, solver: HeadSettings.Solver) throws {
    let samples = Self.samples(hasLabels: hasLabels)
    var settings = HeadSettings()
    (settings.regularization, settings.solver) = (1e-4, solver)
    let straight = try #require(try HeadFitter(settings).fit(samples))
    #expect(straight.layers.hidden == nil)
    #expect(try Self.accuracy(straight, samples) < 0.75)
    settings.hiddenCount = 16
    var heads: Set<[Float]> = []
    for threads in [1, 3] {
      settings.threads = threads
      let fit = try #require(try HeadFitter(settings).fit(samples))
      let hidden = try #require(fit.layers.hidden)
      #expect(hidden.classCount == 16 && hidden.featureCount == 2)
      #expect(try Self.accuracy(fit, samples) > 0.9)
      heads.insert(hidden.weights + hidden.bias + fit.head.weights + fit.head.bias)
    }
    #expect(heads.count == 1)
  }

  @Test("Gradients are those of finite differences", arguments: [false, true])
  func gradients(hasLabels: Bool) throws {
    let samples = Self.samples(hasLabels: hasLabels)
    let objective = HeadObjective(
      samples.features, labels: samples.labels, targets: samples.targets,
      classCount: samples.classCount, classWeights: nil, threads: 1)
    let terms = HeadObjective.Terms(regularization: 0.3)
    var parameters = HeadParameters(
      classCount: samples.classCount, featureCount: 2, hiddenCount: 3)
    parameters.values = ReproducibleNumbers("hidden point").values(
      count: parameters.values.count, from: -0.4, to: 0.5
    ).map(Double.init)
    let gradient = try objective.evaluate(parameters, terms).gradient
    let step = 0x1p-8
    for index in parameters.values.indices {
      var (before, after) = (parameters, parameters)
      before.values[index] -= step
      after.values[index] += step
      let slope =
        (try objective.evaluate(after, terms).value - objective.evaluate(before, terms).value)
        / (2 * step)
      // A unit that switches between the two points bends the line.
      #expect(abs(slope - gradient[index]) < 5e-3, "parameter \(index)")
    }
  }

  @Test("The penalty is chosen by cross-validation")
  func search() throws {
    var settings = HeadSettings()
    (settings.solver, settings.hiddenCount) = (.sgd, 8)
    let fit = try #require(try HeadFitter(settings).fit(Self.samples(hasLabels: false)))
    #expect(fit.trials.map(\.regularization).first == 0.1)
    #expect((fit.crossValidation?.accuracy ?? 0) > 0.75)
  }
}
