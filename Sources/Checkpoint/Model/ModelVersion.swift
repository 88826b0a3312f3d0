import Files

/// The SHA-256 of a model's file.
package struct ModelVersion: Sendable, Hashable, CustomStringConvertible {
  /// 64 lower-case hexadecimal digits.
  package let hex: String

  /// The first 12 digits, as shown in logs and answers.
  package var short: String { String(hex.prefix(12)) }
  package var description: String { short }

  /// Least digits that name a version.
  package static let leastDigitCount = 8
  /// What may stand before the digits, as in the digests of container images.
  package static let digitPrefix = "sha256:"

  /// Returns whether a text names it: by all digits or at least the first eight, in either case,
  /// with or without `sha256:` before them.
  package func isNamed(_ text: String) -> Bool {
    var digits = text.lowercased()
    if digits.hasPrefix(Self.digitPrefix) { digits.removeFirst(Self.digitPrefix.utf8.count) }
    return digits.utf8.count >= Self.leastDigitCount && hex.hasPrefix(digits)
  }

  /// Makes the version of a digest of 32 bytes.
  package init(digest: [UInt8]) {
    precondition(digest.count == SHA256.byteCount, "a SHA-256 has \(SHA256.byteCount) bytes")
    hex = HexDigits.text(digest)
  }
}
