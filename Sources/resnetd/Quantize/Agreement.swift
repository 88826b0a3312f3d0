import Checkpoint
import JSON

/// Agreement of two networks' answers over the same images.
struct Agreement {
  /// Number of classes that count as the best.
  static let leadingCount = 5

  private(set) var imageCount = 0
  private var sameFirstCount = 0
  private var firstAmongLeadingCount = 0
  /// Maximum over all classes of all images.
  private(set) var largestProbabilityDifference: Float = 0

  /// Share of images whose most likely class is the same.
  var top1: Double { share(sameFirstCount) }
  /// Share of images whose most likely class is among the other's five.
  var top5: Double { share(firstAmongLeadingCount) }

  /// Takes in one image's probabilities by the reference and by the network that is judged.
  mutating func record(reference: [Float], candidate: [Float]) {
    imageCount += 1
    let wanted = Self.order(reference)[0]
    let leading = Self.order(candidate).prefix(Self.leadingCount)
    if leading.first == wanted { sameFirstCount += 1 }
    if leading.contains(wanted) { firstAmongLeadingCount += 1 }
    for (a, b) in zip(reference, candidate) {
      largestProbabilityDifference = max(largestProbabilityDifference, abs(a - b))
    }
  }

  /// Takes in what was recorded about other images.
  mutating func merge(_ other: Agreement) {
    imageCount += other.imageCount
    sameFirstCount += other.sameFirstCount
    firstAmongLeadingCount += other.firstAmongLeadingCount
    largestProbabilityDifference = max(
      largestProbabilityDifference, other.largestProbabilityDifference)
  }

  private func share(_ count: Int) -> Double {
    imageCount == 0 ? 0 : Double(count) / Double(imageCount)
  }

  /// Classes by falling probability, ties by index.
  private static func order(_ probabilities: [Float]) -> [Int] {
    probabilities.indices.sorted {
      (probabilities[$1], $0) < (probabilities[$0], $1)
    }
  }

  /// Members sorted by name; a share of all or of none has no decimal places.
  var json: JSONValue {
    [
      "largest_probability_difference": JSONValue(encoding: largestProbabilityDifference),
      "pictures": .integer(imageCount), "top1": JSONValue(encoding: top1),
      "top5": JSONValue(encoding: top5),
    ]
  }
}
