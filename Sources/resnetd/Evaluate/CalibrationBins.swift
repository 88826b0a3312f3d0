/// Bins of equal width over the confidence of the best class: how often it is right in each.
struct CalibrationBins: Sendable {
  struct Bin: Sendable {
    var count = 0
    var correctCount = 0
    var confidence = 0.0

    var accuracy: Double { count == 0 ? 0 : Double(correctCount) / Double(count) }
    var meanConfidence: Double { count == 0 ? 0 : confidence / Double(count) }
  }

  static let count = 15

  private(set) var bins = [Bin](repeating: Bin(), count: count)

  /// Takes in an answer; a bin holds its upper bound, as in Guo et al. 2017.
  mutating func record(confidence: Float, isCorrect: Bool) {
    let place = (Double(confidence) * Double(Self.count)).rounded(.up)
    let index = min(max(Int(place) - 1, 0), Self.count - 1)
    bins[index].count += 1
    bins[index].correctCount += isCorrect ? 1 : 0
    bins[index].confidence += Double(confidence)
  }

  mutating func merge(_ other: CalibrationBins) {
    for index in bins.indices {
      bins[index].count += other.bins[index].count
      bins[index].correctCount += other.bins[index].correctCount
      bins[index].confidence += other.bins[index].confidence
    }
  }

  /// Expected calibration error: mean difference of accuracy and confidence, by images.
  var expectedError: Double {
    let count = bins.reduce(0) { $0 + $1.count }
    guard count > 0 else { return 0 }
    return bins.reduce(0) {
      $0 + abs($1.accuracy - $1.meanConfidence) * Double($1.count) / Double(count)
    }
  }
}
