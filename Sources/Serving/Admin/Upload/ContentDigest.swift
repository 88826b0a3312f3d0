import Checkpoint
import Files
import FoundationEssentials
import HTTPCore

/// The digest that a client says its body has: `Content-Digest: sha-256=:BASE64:` (RFC 9530, section 2).
struct ContentDigest: Sendable, Hashable {
  /// Nil where the client names none by SHA-256; other algorithms are ignored, as the RFC allows.
  let sha256: ModelVersion?

  /// Throws for a SHA-256 that is none, and for two that differ.
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
        let bytes = Data(base64Encoded: String(value.dropFirst().dropLast())),
        bytes.count == SHA256.byteCount
      else { throw Self.malformed }
      let digest = ModelVersion(digest: Array(bytes))
      guard found == nil || found == digest else { throw Self.malformed }
      found = digest
    }
    sha256 = found
  }

  private static let malformed = Problem(
    400, .malformedDigest, "Content-Digest is not sha-256=:BASE64: of 32 bytes")
}
