import COpenSSL

/// Reason why there is no digest.
package enum DigestError: Error, Sendable, CustomStringConvertible {
  case outOfMemory
  case unsupported

  package var description: String {
    switch self {
    case .outOfMemory: "no memory for a digest"
    case .unsupported: "libcrypto offers no SHA-256"
    }
  }
}

/// A running SHA-256 (FIPS 180-4), computed by libcrypto.
@safe
package struct SHA256: ~Copyable {
  package static let byteCount = 32

  private let context: OpaquePointer

  package init() throws(DigestError) {
    guard let context = unsafe EVP_MD_CTX_new() else { throw .outOfMemory }
    // Fails only if the library was built or configured without the algorithm.
    guard unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      unsafe EVP_MD_CTX_free(context)
      throw .unsupported
    }
    unsafe self.context = context
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  /// Returns the digest of bytes that are there as a whole.
  package static func digest(of bytes: [UInt8]) throws(DigestError) -> [UInt8] {
    var digest = try SHA256()
    // SAFETY: the elements are bytes.
    digest.update(unsafe bytes.span.bytes)
    return digest.finish()
  }

  package mutating func update(_ bytes: RawSpan) {
    let status = unsafe bytes.withUnsafeBytes { buffer in
      // SAFETY: libcrypto reads `count` bytes during the call.
      unsafe EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
    }
    precondition(status == 1, "a digest over memory cannot fail")
  }

  package consuming func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: Self.byteCount)
    var count: UInt32 = 0
    let status = unsafe digest.withUnsafeMutableBufferPointer { buffer in
      // SAFETY: the buffer has room for the 32 bytes that SHA-256 gives.
      unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, &count)
    }
    precondition(status == 1 && count == Self.byteCount, "a digest over memory cannot fail")
    return digest
  }
}
