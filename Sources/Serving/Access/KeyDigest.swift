package import Files

/// SHA-256 of a client's key.
package struct KeyDigest: Sendable, Hashable {
  /// Digest of no bytes at all.
  static let hexOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

  private let words: SIMD4<UInt64>

  package init(of key: some Sequence<UInt8>) throws(DigestError) {
    self.init(try SHA256.digest(of: Array(key)))
  }

  /// Reads 64 hexadecimal digits of either case; nil for anything else.
  package init?(hex: some StringProtocol) {
    guard let bytes = HexDigits.bytes(hex.lowercased()), bytes.count == SHA256.byteCount else {
      return nil
    }
    self.init(bytes)
  }

  private init(_ bytes: [UInt8]) {
    var words = SIMD4<UInt64>()
    for (index, byte) in bytes.enumerated() {
      words[index / 8] = words[index / 8] << 8 | UInt64(byte)
    }
    self.words = words
  }

  /// Lower-case hexadecimal digits.
  package var hex: String {
    HexDigits.text(
      words.indices.flatMap { index in
        (0..<8).map { UInt8(truncatingIfNeeded: words[index] >> (56 - 8 * UInt64($0))) }
      })
  }

  /// Returns the bits in which they differ, all together: 0 if they are equal. The time that it
  /// takes does not depend on them.
  func difference(from other: KeyDigest) -> UInt64 {
    let difference = words ^ other.words
    return difference[0] | difference[1] | difference[2] | difference[3]
  }
}
