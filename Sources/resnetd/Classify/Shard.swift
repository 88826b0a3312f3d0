import Files
import Serving

/// One of several equal shares of all images, as `--shard 2/8` names it: the third of eight.
///
/// An image belongs to the share whose number is the remainder of the first eight bytes of its name's
/// SHA-256, the most significant first, by the number of shares. So images that are added later
/// move no other.
struct Shard: Sendable, Hashable {
  /// Limit of shares, whose numbers have five digits in names.
  static let countLimit = 99_999
  private static let digestByteCount = 8

  /// From 0 on, as Kubernetes counts the pods of an indexed Job.
  let index: Int
  let count: Int

  /// The only share.
  static let whole = Shard(0, of: 1)

  init(_ index: Int, of count: Int) {
    precondition(1...Self.countLimit ~= count && 0..<count ~= index, "a shard must be one of them")
    (self.index, self.count) = (index, count)
  }

  /// Parses `I/N`; nil unless 0 ≤ I < N.
  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let index = NumberText.wholeNumber(parts[0]),
      let count = NumberText.wholeNumber(parts[1]), 1...Self.countLimit ~= count,
      0..<count ~= index
    else { return nil }
    self.init(index, of: count)
  }

  var isWhole: Bool { count == 1 }

  /// Returns whether the image of this name is in it.
  func contains(_ name: String) throws(Failure) -> Bool {
    if isWhole { return true }
    do throws(DigestError) {
      let digest = try SHA256.digest(of: Array(name.utf8))
      let number = digest.prefix(Self.digestByteCount).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return number % UInt64(count) == UInt64(index)
    } catch {
      throw Failure(error.description)
    }
  }
}

extension Option {
  static func shard(_ name: String, _ path: any Path<Shard>, _ help: String) -> Option {
    Option(name: name, valueName: "I/N", help: help) { (settings, text) throws(InvalidValue) in
      guard let shard = Shard(text) else {
        throw InvalidValue(
          expected: "I/N, such as 0/4 to 3/4 for four shards, of at most \(Shard.countLimit)")
      }
      settings[keyPath: path] = shard
    } defaultText: { settings in
      let shard = settings[keyPath: path]
      return shard.isWhole ? nil : "\(shard.index)/\(shard.count)"
    }
  }
}
