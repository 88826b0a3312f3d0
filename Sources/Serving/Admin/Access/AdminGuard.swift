import HTTPCore

/// Guard of the admin endpoint: admits whoever shows the token or the two halves of a session, or if
/// there is no token, programs on this machine.
struct AdminGuard: Sendable {
  /// Field in which the page at `/admin/` sends its half of a session.
  static let pageSecretField = "X-CSRF-Token"

  let token: AdminToken?
  /// Whether it listens on a Unix socket, which no host name can be made to point to.
  let isLocal: Bool
  /// Whether connections are encrypted.
  let isSecure: Bool
  let sessions = AdminSessions()

  /// Name of what lets in: `token`, or without one the place that it listens at.
  var access: String { token != nil ? "token" : isLocal ? "socket" : "loopback" }

  // MARK: Web pages

  /// Throws for a request that another web page has a browser send, and for a host name that may
  /// have been made to point here.
  ///
  /// - Parameter isOpen: Whether anybody may ask, by a link of another page as well.
  func checkSource(_ head: RequestHead, isOpen: Bool) throws(Problem) {
    let origins = head.fields.values(of: "Origin")
    let host = head.fields["Host"]
    guard origins.isEmpty || origins.count == 1 && isOwn(origins[0], host: host) else {
      throw .crossOrigin
    }
    // Fetch Metadata (W3C): "none" is what a person has typed.
    let sites = head.fields.tokens(of: "Sec-Fetch-Site")
    guard isOpen || sites.allSatisfy({ $0 == "same-origin" || $0 == "none" }) else {
      throw .crossOrigin
    }
    // A socket may be made a port of this machine, and then browsers can reach it.
    let mayBeBrowser = isOpen || !origins.isEmpty || !sites.isEmpty
    guard token != nil || isLocal && !mayBeBrowser || Self.isLoopback(host ?? "localhost") else {
      throw Problem(
        403, .foreignHost,
        "without a token this endpoint answers to localhost, 127.0.0.1 and [::1] only",
        isRefusal: true)
    }
  }

  /// Returns whether an origin is that of this server's own pages (RFC 6454, section 7). Something
  /// in front of an unencrypted port may speak TLS for it.
  private func isOwn(_ origin: String, host: String?) -> Bool {
    guard let host, !host.isEmpty else { return false }
    let schemes = isSecure ? ["https://"] : ["http://", "https://"]
    return schemes.contains { origin.lowercased() == $0 + host.lowercased() }
  }

  // MARK: Credentials

  /// Returns the credential that somebody is let in by, for the audit. Throws the reason why not.
  func check(
    _ head: RequestHead, at now: ContinuousClock.Instant
  ) throws(Problem) -> String {
    guard let token else { return access }
    if head.fields["Authorization"] != nil {
      guard Self.shows(token, head) else { throw .unauthorized }
      return access
    }
    guard let session = session(of: head, at: now) else { throw .unauthorized }
    guard hasPageSecret(of: session, head) else {
      throw Problem(
        403, .forgedRequest,
        "the cookie of a session counts only with \(Self.pageSecretField), which the page at /admin/ sends",
        isRefusal: true)
    }
    if !AdminRoute.isLook(head) { sessions.use(session, at: now) }
    return "session"
  }

  /// Returns whether a request shows the token.
  private static func shows(_ token: AdminToken, _ head: RequestHead) -> Bool {
    let credentials = head.fields.values(of: "Authorization")
    let parts = credentials.count == 1 ? credentials[0].split(separator: " ") : []
    return parts.count == 2 && parts[0].lowercased() == "bearer" && token.admits(parts[1])
  }

  /// Returns the session that a request's cookie belongs to.
  private func session(
    of head: RequestHead, at now: ContinuousClock.Instant
  ) -> AdminSessions.Session? {
    guard let token else { return nil }
    let opening = cookieName(head) + "="
    let values = head.fields.values(of: "Cookie").flatMap { $0.split(separator: ";") }
      .compactMap { pair -> Substring? in
        let pair = pair.drop { $0 == " " }
        return pair.hasPrefix(opening) ? pair.dropFirst(opening.count) : nil
      }
    return sessions.find(values, tokenGeneration: token.generation, at: now)
  }

  private func hasPageSecret(of session: AdminSessions.Session, _ head: RequestHead) -> Bool {
    let secrets = head.fields.values(of: Self.pageSecretField)
    return secrets.count == 1 && session.admits(page: secrets[0])
  }

  // MARK: Sessions

  /// Begins a session for a request that shows the token. Returns nil without a token, where nobody
  /// has to sign in.
  func beginSession(
    _ head: RequestHead, at now: ContinuousClock.Instant
  ) throws(Problem) -> AdminSessions.Secrets? {
    guard let token else { return nil }
    // Before the token is looked at: a change in between ends the session.
    let generation = token.generation
    guard Self.shows(token, head) else { throw .unauthorized }
    guard let secrets = sessions.begin(tokenGeneration: generation, at: now) else {
      throw .overloaded
    }
    return secrets
  }

  /// Returns the time that is left of a request's session, which counts as its use; nil if it has
  /// none.
  func sessionTime(_ head: RequestHead, at now: ContinuousClock.Instant) -> Duration? {
    guard let session = session(of: head, at: now), hasPageSecret(of: session, head) else {
      return nil
    }
    sessions.use(session, at: now)
    return self.session(of: head, at: now)?.timeLeft(at: now)
  }

  /// Ends a request's session. Returns whether there was one. The cookie is enough: it is taken from
  /// the browser as well, and whoever has lost the page's half can sign out.
  func endSession(_ head: RequestHead, at now: ContinuousClock.Instant) -> Bool {
    guard let session = session(of: head, at: now) else { return false }
    sessions.end(session)
    return true
  }

  /// Returns `Set-Cookie` (RFC 6265bis): for scripts and other sites it does not exist.
  ///
  /// - Parameter value: Nil to remove the cookie.
  func cookie(_ value: String?, for head: RequestHead) -> String {
    let isEncrypted = isSecure || head.fields["Origin"]?.lowercased().hasPrefix("https:") ?? false
    return "\(cookieName(head))=\(value ?? ""); Path=/admin/; HttpOnly; SameSite=Strict"
      + (isEncrypted ? "; Secure" : "") + (value == nil ? "; Max-Age=0" : "")
  }

  /// Returns the cookie's name. It has the port, since servers on other ports of the host share its
  /// cookies.
  private func cookieName(_ head: RequestHead) -> String {
    let host = head.fields["Host"] ?? ""
    let port = host.lastIndex(of: ":").flatMap { UInt16(host[host.index(after: $0)...]) }
    return (isSecure ? "__Secure-" : "") + "resnetd-session" + (port.map { "-\($0)" } ?? "")
  }

  // MARK: Hosts

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
