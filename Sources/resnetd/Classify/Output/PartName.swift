import Serving

/// Name of a file with a part of a shard's rows: `shard-00002-of-00008-part-000041.jsonl`.
struct PartName: Sendable, Hashable {
  /// Limit of a shard's parts, whose numbers have six digits.
  static let numberLimit = 999_999
  private static let shardDigitCount = 5
  private static let numberDigitCount = 6

  let shard: Shard
  let number: Int
  let format: ResultFormat

  init(_ shard: Shard, number: Int, _ format: ResultFormat) {
    (self.shard, self.number, self.format) = (shard, number, format)
  }

  /// Beginning of all names.
  static let start = "shard-"

  /// Parses a name; nil if it is another file's.
  init?(_ name: String) {
    guard let dot = name.lastIndex(of: "."),
      let format = ResultFormat(rawValue: String(name[name.index(after: dot)...]))
    else { return nil }
    let words = name[..<dot].split(separator: "-", omittingEmptySubsequences: false)
    guard words.count == 6, let index = NumberText.wholeNumber(words[1]),
      let count = NumberText.wholeNumber(words[3]), let number = NumberText.wholeNumber(words[5]),
      1...Shard.countLimit ~= count, 0..<count ~= index
    else { return nil }
    self.init(Shard(index, of: count), number: number, format)
    guard text == name else { return nil }
  }

  var text: String {
    let index = Self.padded(shard.index, Self.shardDigitCount)
    let count = Self.padded(shard.count, Self.shardDigitCount)
    let number = Self.padded(number, Self.numberDigitCount)
    return "\(Self.start)\(index)-of-\(count)-part-\(number).\(format.rawValue)"
  }

  private static func padded(_ number: Int, _ digitCount: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, digitCount - digits.utf8.count)) + digits
  }
}
