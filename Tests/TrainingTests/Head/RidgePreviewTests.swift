import Engine
import Numbers
import Testing
import Training

/// Ridge regression as an estimate of what a head will reach.
@Suite struct RidgePreviewTests {
  /// Rows of three classes in `depth` features, of which the first three tell the class, with noise.
  private static func samples(
    _ count: Int, depth: Int, hasLabels: Bool, mark: String
  ) -> HeadSamples {
    let numbers = ReproducibleNumbers("ridge \(mark)").values(
      count: count * depth, from: 0, to: 1)
    let labels = (0..<count).map { $0 % 3 }
    let values = numbers.enumerated().map { place, number in
      number + (place % depth == labels[place / depth] ? 0.6 : 0)
    }
    return HeadSamples(
      FeatureMatrix(columnCount: depth, values: values), labels: labels, classCount: 3,
      targets: hasLabels ? labels.flatMap { label in (0..<3).map { $0 == label ? 1 : 0 } } : nil)
  }

  @Test("Leaving each row out by formula is leaving it out", arguments: [false, true])
  func leaveOneOut(hasLabels: Bool) throws {
    let samples = Self.samples(24, depth: 5, hasLabels: hasLabels, mark: "few")
    let preview = try #require(try RidgePreview(samples, heldOut: nil))
    #expect(preview.leavesOneOut && preview.judgedCount == 24)
    // With rows left out by hand the scaling and the regularisation are nearly the same.
    var right = 0.0
    for row in 0..<24 {
      let rest = samples.rows((0..<24).filter { $0 != row })
      right += try #require(try RidgePreview(rest, heldOut: samples.rows([row]))).accuracy
    }
    #expect(abs(right / 24 - preview.accuracy) < 0.09, "\(right / 24), \(preview.accuracy)")
  }

  @Test(
    "It is near what logistic regression reaches on rows held out, also in several panels",
    arguments: [false, true], [3, 150])
  func heldOut(hasLabels: Bool, depth: Int) throws {
    let samples = Self.samples(400, depth: depth, hasLabels: hasLabels, mark: "many")
    let heldOut = Self.samples(300, depth: depth, hasLabels: hasLabels, mark: "others")
    let preview = try #require(try RidgePreview(samples, heldOut: heldOut))
    #expect(!preview.leavesOneOut && preview.judgedCount == 300)
    var settings = HeadSettings()
    settings.regularization = 0.1
    let fit = try #require(try HeadFitter(settings).fit(samples))
    let logits = try fit.head.logits(heldOut.features)
    let score =
      heldOut.targets.map { ClassScores(logits, targets: $0, labelCount: 3) }
      ?? ClassScores(logits, labels: heldOut.labels, classCount: 3)
    #expect(abs(preview.accuracy - score.accuracy) < 0.06, "\(preview.accuracy)")
    #expect(preview.accuracy > 0.6)
  }

  @Test("Rows of one group are left out together")
  func leaveGroupsOut() throws {
    let single = Self.samples(60, depth: 8, hasLabels: false, mark: "groups")
    // Copies of a row tell nothing new about it, and make groups of unequal sizes.
    let rows = (0..<60).flatMap { [Int](repeating: $0, count: 1 + $0 % 3) }
    let copied = HeadSamples(
      single.features.rows(rows), labels: rows.map { single.labels[$0] }, groups: rows,
      classCount: 3)
    let preview = try #require(try RidgePreview(copied, heldOut: nil))
    #expect(preview.leavesOneOut && preview.judgedCount == 120 && preview.groupCount == 60)
    var right = 0.0
    for group in 0..<60 {
      let rest = copied.rows(rows.indices.filter { rows[$0] != group })
      let own = rows.indices.filter { rows[$0] == group }
      right +=
        try #require(try RidgePreview(rest, heldOut: copied.rows(own))).accuracy
        * Double(own.count)
    }
    #expect(abs(right / 120 - preview.accuracy) < 0.05, "\(right / 120), \(preview.accuracy)")
    // By themselves rows would be judged by their copies.
    let ungrouped = HeadSamples(copied.features, labels: copied.labels, classCount: 3)
    let other = try #require(try RidgePreview(ungrouped, heldOut: nil))
    #expect(other.groupCount == 120 && other.accuracy > preview.accuracy)
  }

  @Test("Views of rows neither teach nor judge it")
  func views() throws {
    let samples = Self.samples(60, depth: 8, hasLabels: false, mark: "views")
    let rows = Array(0..<60) + Array(0..<60)
    let doubled = HeadSamples(
      samples.features.rows(rows), labels: rows.map { samples.labels[$0] }, groups: rows,
      classCount: 3, plainCount: 60)
    let (one, other) = (
      try RidgePreview(samples, heldOut: nil), try RidgePreview(doubled, heldOut: nil)
    )
    #expect(one?.accuracy == other?.accuracy && other?.judgedCount == 60)
  }

  @Test("Where it would not be quick there is none")
  func tooLarge() throws {
    let samples = HeadSamples(
      FeatureMatrix(columnCount: 5000, values: [Float](repeating: 1, count: 20_000)),
      labels: [0, 1, 0, 1], classCount: 2)
    #expect(try RidgePreview(samples, heldOut: nil) == nil)
  }
}
