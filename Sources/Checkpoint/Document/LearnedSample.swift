import Files

/// A sample of the images that a model has learned: those whose files have the smallest digests.
///
/// Whoever has images can tell how many of them were learned, whatever their order and names: of those whose
/// digests are not beyond the largest of the sample, the ones that are in it, and no others. That is a sample of
/// them too, or all of them if the model has learned so few.
package struct LearnedSample: Sendable, Hashable {
  /// Images in a sample.
  package static let countLimit = 256
  /// Bytes of each digest that are kept: with 48 bits a million images are taken for others once in
  /// 10,000 times.
  private static let byteCount = 6

  private let numbers: Set<UInt64>

  /// Whether it has all images that were learned.
  package var isWhole: Bool { numbers.count < Self.countLimit }

  /// Takes the sample of images by the SHA-256 of their files.
  package init(of digests: [[UInt8]]) {
    numbers = Set(Set(digests.map(Self.number)).sorted().prefix(Self.countLimit))
  }

  /// Reads what `text` has written; nil for anything else.
  package init?(text: String) {
    guard let bytes = HexDigits.bytes(text), !bytes.isEmpty,
      bytes.count.isMultiple(of: Self.byteCount),
      bytes.count <= Self.countLimit * Self.byteCount
    else { return nil }
    numbers = Set(
      stride(from: 0, to: bytes.count, by: Self.byteCount).map {
        Self.number(Array(bytes[$0..<$0 + Self.byteCount]))
      })
  }

  /// Hexadecimal digits of the smallest digests, in order.
  package var text: String {
    HexDigits.text(
      numbers.sorted().flatMap { number in
        (0..<Self.byteCount).map { UInt8(truncatingIfNeeded: number >> (40 - 8 * UInt64($0))) }
      })
  }

  /// Returns whether an image of this digest was learned; nil if the sample does not tell.
  package func tells(of digest: [UInt8]) -> Bool? {
    let number = Self.number(digest)
    if numbers.contains(number) { return true }
    return isWhole || number < numbers.max() ?? 0 ? false : nil
  }

  private static func number(_ digest: [UInt8]) -> UInt64 {
    digest.prefix(byteCount).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
