import Engine
import Numbers
import Testing
import Training

/// Heads that are learned from further views of the rows too.
@Suite struct HeadViewTests {
  private static let count = 40

  /// Rows of noise, of which every class is a half, so that nothing but their own copies tells the
  /// class of a row.
  private static func samples(viewCount: Int, hasLabels: Bool = false) -> HeadSamples {
    let noise = ReproducibleNumbers("view features").values(count: count * 16, from: 0, to: 1)
    var features = FeatureMatrix(columnCount: 16, values: noise)
    let images = Array(0..<count)
    let views = images.flatMap { [Int](repeating: $0, count: viewCount) }
    features.append(contentsOf: features.rows(views))
    let labels = (images + views).map { $0 % 2 }
    return HeadSamples(
      features, labels: labels, groups: images + views, classCount: hasLabels ? 1 : 2,
      targets: hasLabels ? labels.map { Float($0) } : nil, plainCount: count)
  }

  @Test("Rows are judged by heads that have seen no view of them", arguments: [false, true])
  func folds(hasLabels: Bool) throws {
    let fit = try #require(
      try HeadFitter().fit(Self.samples(viewCount: 3, hasLabels: hasLabels)))
    let judged = try #require(fit.crossValidation)
    // A head that had seen them would know all of them by heart.
    #expect(judged.rows == Array(0..<Self.count) && judged.accuracy < 0.8)
    #expect(judged.logits.count == Self.count * (hasLabels ? 1 : 2))
  }

  @Test("Views that are the rows themselves change next to nothing")
  func copies() throws {
    var settings = HeadSettings()
    settings.regularization = 0.1
    let alone = try #require(try HeadFitter(settings).fit(Self.samples(viewCount: 0)))
    let copied = try #require(try HeadFitter(settings).fit(Self.samples(viewCount: 2)))
    for (one, other) in zip(alone.head.weights, copied.head.weights) {
      #expect(abs(one - other) < 1e-3)
    }
  }

  @Test("Chosen rows keep plain ones apart")
  func rows() {
    let samples = Self.samples(viewCount: 2)
    let chosen = samples.rows([1, 5, 42, 43])
    #expect(chosen.plainCount == 2 && chosen.groups == [1, 5, 1, 1])
  }
}
