import HTTPCore

/// The key in a request's head: `Authorization: Bearer KEY` (RFC 6750, section 2.1) or `X-API-Key: KEY`.
///
/// Nowhere else: what stands in a query is kept by logs, histories and proxies.
enum ShownKey {
  /// Allowed lengths of a key: shorter ones can be guessed, longer ones cost more to reject.
  static let byteCounts = 16...512

  private static let realm = "Bearer realm=\"resnetd\""
  private static let ways = "send it as Authorization: Bearer KEY or X-API-Key: KEY"

  /// Returns the key. Throws if there is none, or more than one, or what cannot be one.
  static func of(_ fields: HeaderFields) throws(Problem) -> Substring.UTF8View {
    let keys = bearers(fields) + fields.values(of: "X-API-Key").map { $0[...].utf8 }
    guard keys.count <= 1 else { throw malformed("more than one is given; \(ways)") }
    guard let key = keys.first, !key.isEmpty else { throw missing }
    guard byteCounts.contains(key.count), key.allSatisfy(isKeyByte) else {
      throw malformed(
        "it has \(byteCounts.lowerBound) to \(byteCounts.upperBound) letters, digits and -._~+/=")
    }
    return key
  }

  /// Returns the credentials of the scheme Bearer, whose name has no case (RFC 9110, section 11.1).
  private static func bearers(_ fields: HeaderFields) -> [Substring.UTF8View] {
    fields.values(of: "Authorization").compactMap { value in
      let scheme = value.utf8.prefix { $0 != UInt8(ascii: " ") }
      guard scheme.count == 6, Substring(scheme).lowercased() == "bearer" else { return nil }
      return value.utf8.dropFirst(scheme.count).drop { $0 == UInt8(ascii: " ") }
    }
  }

  /// Returns whether RFC 6750 allows the byte in a bearer token.
  private static func isKeyByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "-._~+/=".utf8.contains(byte)
    }
  }

  // MARK: Refusals, with the error codes of RFC 6750, section 3.1

  private static var missing: Problem {
    // Who shows nothing is told no code.
    refusal(401, .apiKeyMissing, "an API key is needed; \(ways)", code: nil)
  }

  private static func malformed(_ reason: String) -> Problem {
    refusal(400, .apiKeyMalformed, "the API key cannot be read: \(reason)", code: "invalid_request")
  }

  /// Problem of a key that the server does not know.
  static var unknown: Problem {
    refusal(
      401, .apiKeyUnknown, "this server does not know the API key; it may have been replaced",
      code: "invalid_token")
  }

  private static func refusal(
    _ status: Int, _ kind: ProblemKind, _ detail: String, code: String?
  ) -> Problem {
    var problem = Problem(status, kind, detail)
    problem.challenge = realm + (code.map { ", error=\"\($0)\"" } ?? "")
    return problem
  }
}
