import Engine
import Glibc
import Numbers
import Testing
import Training

/// Heads of independent labels, learned from made-up features.
@Suite struct LabelHeadTests {
  private static let features = FeatureMatrix(
    columnCount: 4,
    values: ReproducibleNumbers("head features").values(count: 240, from: 0, to: 3))
  /// The first label follows the first feature, the second the sum of two, with noise.
  private static let targets: [Float] = {
    let noise = ReproducibleNumbers("head labels").values(count: 60, from: -1, to: 1)
    return (0..<60).flatMap { row -> [Float] in
      let start = features.row(row).startIndex
      let values = features.row(row)
      return [
        values[start] + noise[row] > 1.5 ? 1 : 0,
        values[start + 1] + values[start + 2] + noise[row] > 3 ? 1 : 0,
      ]
    }
  }()

  private func samples(_ label: Int? = nil) -> HeadSamples {
    let targets = label.map { label in (0..<60).map { Self.targets[2 * $0 + label] } }
    return HeadSamples(
      Self.features, labels: (0..<60).map { Int(Self.targets[2 * $0]) },
      classCount: label == nil ? 2 : 1, targets: targets ?? Self.targets)
  }

  @Test("Labels are learned as if each were alone")
  func independence() throws {
    var settings = HeadSettings()
    settings.regularization = 0.05
    let both = try #require(try HeadFitter(settings).fit(samples()))
    #expect(both.isConverged == true)
    for label in 0..<2 {
      let alone = try #require(try HeadFitter(settings).fit(samples(label)))
      let row = both.head.weights[label * 4..<label * 4 + 4]
      #expect(zip(row, alone.head.weights).allSatisfy { abs($0 - $1) < 2e-3 })
      #expect(abs(both.head.bias[label] - alone.head.bias[0]) < 5e-3)
    }
    // The gradient at the solution: the mean of probability less target is 0 for a free bias.
    let logits = try both.head.logits(Self.features)
    for label in 0..<2 {
      let rest = (0..<60).reduce(0.0) { sum, row in
        let probability = 1 / (1 + exp(-Double(logits[2 * row + label])))
        return sum + probability - Double(Self.targets[2 * row + label])
      }
      #expect(abs(rest / 60) < 1e-4)
    }
  }

  @Test("The gradient is that of the loss", arguments: [1, 3])
  func gradient(threads: Int) throws {
    let objective = HeadObjective(
      Self.features, labels: [Int](repeating: 0, count: 60), targets: Self.targets, classCount: 2,
      classWeights: nil, threads: threads)
    var parameters = HeadParameters(classCount: 2, featureCount: 4)
    parameters.values = ReproducibleNumbers("point").values(count: 10, from: -1, to: 1).map(
      Double.init)
    let terms = HeadObjective.Terms(regularization: 0.1)
    let found = try objective.evaluate(parameters, terms)
    for index in parameters.values.indices {
      let step = 1e-2
      var (low, high) = (parameters, parameters)
      low.values[index] -= step
      high.values[index] += step
      let difference =
        (try objective.evaluate(high, terms).value - objective.evaluate(low, terms).value)
        / (2 * step)
      #expect(abs(difference - found.gradient[index]) < 2e-4, "\(index)")
    }
  }

  @Test("Cross-validation scores labels, and any number of threads gives the same bits")
  func search() throws {
    var versions: Set<[UInt32]> = []
    for threads in [1, 2, 4] {
      var settings = HeadSettings()
      settings.threads = threads
      let fit = try #require(try HeadFitter(settings).fit(samples()))
      #expect(fit.crossValidation?.accuracy ?? 0 > 0.75)
      #expect(fit.crossValidation?.logits.count == 120)
      versions.insert(fit.head.weights.map(\.bitPattern))
    }
    #expect(versions.count == 1)
    let score = ClassScores([1, -1, 0.5, 2], targets: [1, 0, 0, 1], labelCount: 2)
    #expect(score.accuracy == 0.75)
    let expected = (2 * log1p(exp(-1)) + 0.5 + log1p(exp(-0.5)) + log1p(exp(-2))) / 2
    #expect(abs(score.logLoss - expected) < 1e-9)
  }
}
