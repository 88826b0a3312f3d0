import Files

/// The SHA-256 of a model's file.
package struct ModelVersion: Sendable, Hashable, CustomStringConvertible {
  /// 64 lower-case hexadecimal digits.
  package let hex: String

  /// The first 12 digits, as shown in logs and answers.
  package var short: String { String(hex.prefix(12)) }
  package var description: String { short }

  /// Makes the version of a digest of 32 bytes.
  package init(digest: [UInt8]) {
    precondition(digest.count == SHA256.byteCount, "a SHA-256 has \(SHA256.byteCount) bytes")
    hex = HexDigits.text(digest)
  }
}
