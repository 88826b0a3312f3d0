import HTTPCore

/// Guard of the admin endpoint: admits whoever shows the token, or if there is none, programs on
/// this machine.
struct AdminGuard: Sendable {
  let token: AdminToken?
  /// Whether it listens on a Unix socket, which no host name can be made to point to.
  let isLocal: Bool

  /// Credential of those who pass, for the audit.
  var credential: String { token != nil ? "token" : isLocal ? "socket" : "loopback" }

  /// Throws the reason why a request is refused.
  func check(_ head: RequestHead) throws(Problem) {
    // A web page in a browser must not reach the loopback in its user's name.
    guard head.fields["Origin"] == nil else {
      throw Problem(
        403, .crossOrigin, "requests from web pages are refused here", isRefusal: true)
    }
    guard let token else {
      guard isLocal || Self.isLoopback(head.fields["Host"] ?? "localhost") else {
        throw Problem(
          403, .foreignHost,
          "without a token this endpoint answers to localhost, 127.0.0.1 and [::1] only",
          isRefusal: true)
      }
      return
    }
    let credentials = head.fields.values(of: "Authorization")
    let parts = credentials.count == 1 ? credentials[0].split(separator: " ") : []
    guard parts.count == 2, parts[0].lowercased() == "bearer", token.admits(parts[1]) else {
      throw Problem(
        401, .unauthorized, "a valid token is needed: Authorization: Bearer TOKEN",
        isRefusal: true)
    }
  }

  /// Returns whether a `Host` field names this machine's loopback, so that no other name was made
  /// to point to it.
  static func isLoopback(_ host: String) -> Bool {
    let name: Substring
    if host.hasPrefix("[") {
      name = host.prefix { $0 != "]" }.dropFirst()
    } else {
      name = host.prefix { $0 != ":" }
    }
    return Loopback.contains(name)
  }
}

/// Names and addresses that only this machine answers to.
package enum Loopback {
  /// Returns whether a host, without port and brackets, is the loopback. A name that only begins
  /// with 127 can be anything.
  package static func contains(_ host: some StringProtocol) -> Bool {
    if host == "::1" || host.lowercased() == "localhost" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}
