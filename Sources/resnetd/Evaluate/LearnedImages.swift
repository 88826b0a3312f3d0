import Checkpoint
import Files
import JSON

/// How many of the evaluated images the model itself has learned, as far as its file tells.
struct LearnedImages: Sendable, Hashable {
  /// Images that the file tells of, and those of them that were learned.
  private(set) var toldCount = 0
  private(set) var learnedCount = 0

  mutating func record(_ bytes: [UInt8], _ sample: LearnedSample) throws(DigestError) {
    record(digest: try SHA256.digest(of: bytes), sample)
  }

  mutating func record(digest: [UInt8], _ sample: LearnedSample) {
    guard let isLearned = sample.tells(of: digest) else { return }
    toldCount += 1
    if isLearned { learnedCount += 1 }
  }

  mutating func merge(_ other: LearnedImages) {
    toldCount += other.toldCount
    learnedCount += other.learnedCount
  }

  /// Share of the images that were learned; nil if nothing is told of any.
  var share: Double? { toldCount == 0 ? nil : Double(learnedCount) / Double(toldCount) }

  /// A sentence for a report; nil if none is known to have been learned.
  ///
  /// - Parameters:
  ///   - count: Evaluated images.
  ///   - model: Words for the model.
  func note(of count: Int, by model: String = "the model") -> String? {
    guard let share, learnedCount > 0 else { return nil }
    let amount =
      toldCount == count
      ? "\(Decimal.grouped(learnedCount)) of these \(Decimal.grouped(count)) images"
      : "about \(Int((100 * share).rounded())) % of these images (\(learnedCount) of a sample of \(toldCount))"
    return "\(model) has learned \(amount): what is right of them tells little of others"
  }

  var json: JSONValue {
    [
      "sampled": .integer(toldCount), "learned": .integer(learnedCount),
      "share": share.map { .double($0) } ?? .null,
    ]
  }
}
