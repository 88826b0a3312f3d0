import Checkpoint
import Files
import HTTPCore

/// Digest that a client states for its body: `Content-Digest: sha-256=:BASE64:` (RFC 9530, section
/// 2).
struct ContentDigest: Sendable, Hashable {
  /// SHA-256, or nil if the client states none; other algorithms are ignored, as the RFC allows.
  let sha256: ModelVersion?

  /// Throws for a malformed SHA-256, and for two that differ.
  init(_ fields: HeaderFields) throws(Problem) {
    var found: ModelVersion?
    for member in fields.values(of: "Content-Digest").flatMap({ $0.split(separator: ",") }) {
      let text = member.drop { $0 == " " || $0 == "\t" }
      guard let equals = text.firstIndex(of: "=") else { throw Self.malformed }
      guard text[..<equals].lowercased() == "sha-256" else { continue }
      // A structured field's byte sequence, RFC 8941, section 3.3.5; parameters may follow.
      let value = text[text.index(after: equals)...]
        .prefix { $0 != ";" }.split(separator: " ").joined()
      guard value.count > 2, value.hasPrefix(":"), value.hasSuffix(":"),
        let bytes = Base64Text.bytes(String(value.dropFirst().dropLast())),
        bytes.count == SHA256.byteCount
      else { throw Self.malformed }
      let digest = ModelVersion(digest: bytes)
      guard found == nil || found == digest else { throw Self.malformed }
      found = digest
    }
    sha256 = found
  }

  private static let malformed = Problem(
    400, .malformedDigest, "Content-Digest is not sha-256=:BASE64: of 32 bytes")
}
