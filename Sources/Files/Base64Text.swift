import COpenSSL

/// Bytes in digits of base64 (RFC 4648, section 4), by libcrypto.
package enum Base64Text {
  /// Returns the digits in one line, with padding.
  package static func text(_ bytes: [UInt8]) -> String {
    // SAFETY: four digits for each group of three bytes, and the NUL that libcrypto writes.
    unsafe String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4 + 1) { digits in
      Int(unsafe EVP_EncodeBlock(digits.baseAddress, bytes, CInt(bytes.count)))
    }
  }

  /// Returns the bytes of whole groups of four digits; nil for anything else, blanks included.
  package static func bytes(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    // libcrypto passes over blanks, and takes padding for zeros wherever it stands.
    let padding = digits.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    guard digits.count.isMultiple(of: 4), padding <= 2,
      digits.dropLast(padding).allSatisfy(isDigit)
    else { return nil }
    // SAFETY: three bytes for each group of four digits, and libcrypto reads as many as it is given.
    return unsafe [UInt8](unsafeUninitializedCapacity: digits.count / 4 * 3) { bytes, count in
      let decoded = unsafe EVP_DecodeBlock(bytes.baseAddress, digits, CInt(digits.count))
      count = max(0, Int(decoded) - padding)
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
      true
    default: false
    }
  }
}
