/// Digits by which people name a version: those of its digest, or the first of them.
enum VersionDigits {
  private static let counts = 8...64

  /// Returns the digits of a version; `sha256:` may stand before them, as `status` shows it.
  static func of(_ version: String) -> Substring {
    let prefix = "sha256:"
    let text = version.lowercased()
    return text.hasPrefix(prefix) ? text.dropFirst(prefix.count) : text[...]
  }

  /// Throws if the string is not a version.
  static func check(_ text: String) throws(UsageError) {
    let digits = of(text)
    guard counts ~= digits.utf8.count, digits.allSatisfy({ $0.isASCII && $0.isHexDigit })
    else {
      throw UsageError(
        "\"\(text)\" is not a version: it has \(counts.lowerBound) to \(counts.upperBound) "
          + "hexadecimal digits, as `resnetd model versions` shows them")
    }
  }
}
