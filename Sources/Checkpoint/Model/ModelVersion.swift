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

  /// Returns what names a version in lower case, without the `sha256:` that digests of container
  /// images begin with.
  package static func digits(in name: String) -> String {
    let (digits, prefix) = (name.lowercased(), "sha256:")
    return digits.hasPrefix(prefix) ? String(digits.dropFirst(prefix.count)) : digits
  }

  /// Returns whether a text names it: by all digits or at least the first eight, in either case,
  /// with or without `sha256:` before them.
  package func isNamed(_ text: String) -> Bool {
    let digits = Self.digits(in: text)
    return digits.utf8.count >= Self.leastDigitCount && hex.hasPrefix(digits)
  }

  /// Makes the version of a digest of 32 bytes.
  package init(digest: [UInt8]) {
    precondition(digest.count == SHA256.byteCount, "a SHA-256 has \(SHA256.byteCount) bytes")
    hex = HexDigits.text(digest)
  }
}
