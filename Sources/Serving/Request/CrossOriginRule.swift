import HTTPCore

/// Rule for web pages of other origins: which of them may read answers (Fetch standard, section 3.3,
/// "CORS protocol").
///
/// No credentials are allowed, for these are what browsers send by themselves. A page that has an API
/// key sends it itself.
package struct CrossOriginRule: Sendable, Hashable {
  /// Fields of answers that pages may read beside those that any may.
  private static let exposed =
    "X-Request-Id, Server-Timing, Retry-After, ETag, WWW-Authenticate, Inference-Header-Content-Length"
  /// Seconds that a browser may keep what a preflight was answered: Chromium's limit.
  private static let maxAgeSeconds = 7200
  /// Fields that a preflight may ask for.
  private static let fieldCountLimit = 64

  private let origins: Set<String>
  private let allowsAll: Bool
  /// Fields of every answer, whoever asks.
  private var standing = HeaderFields()
  /// Origins as they were given.
  package let list: [String]

  /// Origins of no other page are answered.
  package static let off = CrossOriginRule(origins: [], allowsAll: false, list: [])

  /// Answers are for no other page at all, not even as an image or a script that it cannot look into
  /// (Fetch standard, section 3.7).
  static let nobody = {
    var rule = off
    rule.standing.append("Cross-Origin-Resource-Policy", "same-origin")
    return rule
  }()

  private init(origins: Set<String>, allowsAll: Bool, list: [String]) {
    (self.origins, self.allowsAll, self.list) = (origins, allowsAll, list)
  }

  /// Reads origins by commas, as browsers send them, or `*` for all; nil for anything else.
  package init?(_ text: String) {
    var origins: Set<String> = []
    var list: [String] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      list.append(String(part))
      guard part != "*" else { continue }
      guard let origin = Self.origin(part) else { return nil }
      origins.insert(origin)
    }
    self.init(origins: origins, allowsAll: list.contains("*"), list: list)
  }

  /// Returns an origin as browsers write it: in lower case, without the scheme's own port.
  private static func origin(_ text: Substring) -> String? {
    let text = text.lowercased()
    guard let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }) else {
      return nil
    }
    var host = text.dropFirst(scheme.count)
    let usual = scheme == "http://" ? ":80" : ":443"
    if host.hasSuffix(usual) { host = host.dropLast(usual.count) }
    guard !host.isEmpty, !host.contains("*"), RequestTarget.isAuthority(host) else { return nil }
    return scheme + host
  }

  private var isOff: Bool { !allowsAll && origins.isEmpty }

  /// Returns the fields that every answer to such a request has.
  func fields(_ request: HeaderFields?) -> HeaderFields {
    guard !isOff else { return standing }
    var fields = HeaderFields()
    if allowsAll {
      fields.append("Access-Control-Allow-Origin", "*")
    } else {
      // Caches must not give one page the answer to another.
      fields.append("Vary", "Origin")
      guard let origin = request?["Origin"], origins.contains(origin) else { return fields }
      fields.append("Access-Control-Allow-Origin", origin)
    }
    fields.append("Access-Control-Expose-Headers", Self.exposed)
    return fields
  }

  /// Returns the fields of the answer to a preflight beside those of any; none for other requests,
  /// and for pages that may not.
  func preflight(_ request: HeaderFields, methods: [String]) -> HeaderFields {
    var fields = HeaderFields()
    guard !isOff, let origin = request["Origin"],
      request["Access-Control-Request-Method"] != nil
    else { return fields }
    fields.append("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
    guard allowsAll || origins.contains(origin) else { return fields }
    fields.append(
      "Access-Control-Allow-Methods", methods.filter { $0 != "OPTIONS" }.joined(separator: ", "))
    let asked = request.tokens(of: "Access-Control-Request-Headers")
    if !asked.isEmpty, asked.allSatisfy(HeaderFields.isName) {
      // No field that a page could send does harm here.
      fields.append(
        "Access-Control-Allow-Headers",
        asked.prefix(Self.fieldCountLimit).joined(separator: ", "))
    }
    fields.append("Access-Control-Max-Age", String(Self.maxAgeSeconds))
    return fields
  }
}
