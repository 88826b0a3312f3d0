import Files
import Synchronization

/// Sessions of administrators who use the page at `/admin/`, in the memory of this process alone.
///
///     POST /admin/session, with the token
///       --> Set-Cookie: half that the browser keeps and no script reads
///       --> csrf_token: half that the page keeps and sends as `X-CSRF-Token`
///
/// A session needs both. Other web pages can make a browser send the cookie, but do not know the
/// page's half. Servers on other ports of the host are sent the cookie too (RFC 6265, section 8.5),
/// and are never sent the page's half. Each half is 256 random bits, of which only the digest is
/// kept.
final class AdminSessions: Sendable {
  /// Sessions at a time; beyond that the one out of use for longest ends.
  static let countLimit = 64
  /// Time without use after which a session ends.
  static let idleLimit = Duration.seconds(3600)
  /// Time after which a session ends however much it is used.
  static let ageLimit = Duration.seconds(12 * 3600)
  /// Cookies of one request that are looked up.
  private static let cookieLimit = 8
  /// Random bytes of each half.
  private static let secretByteCount = 32

  /// What a new session tells its browser, in hexadecimal digits.
  struct Secrets {
    let cookie: String
    let page: String
  }

  /// A session that a cookie belongs to.
  struct Session: Sendable {
    fileprivate let cookieDigest: [UInt8]
    fileprivate let pageDigest: [UInt8]
    /// State of the token that it was begun with.
    fileprivate let tokenGeneration: Int
    fileprivate let begun: ContinuousClock.Instant
    fileprivate var lastUse: ContinuousClock.Instant

    /// Returns whether this is the page's half.
    func admits(page text: String) -> Bool {
      AdminSessions.digest(ofSecret: text) == pageDigest
    }

    /// Returns the time that is left of it if it is not used any more.
    func timeLeft(at now: ContinuousClock.Instant) -> Duration {
      min(begun + ageLimit, lastUse + idleLimit) - now
    }
  }

  private let sessions = Mutex<[[UInt8]: Session]>([:])

  /// Begins a session, after the token was shown; nil if there is no memory for its digests.
  ///
  /// - Parameter tokenGeneration: That of the token, from before it was looked at.
  func begin(tokenGeneration: Int, at now: ContinuousClock.Instant) -> Secrets? {
    let secrets = Secrets(cookie: Self.secret(), page: Self.secret())
    guard let cookie = Self.digest(ofSecret: secrets.cookie),
      let page = Self.digest(ofSecret: secrets.page)
    else { return nil }
    let session = Session(
      cookieDigest: cookie, pageDigest: page, tokenGeneration: tokenGeneration, begun: now,
      lastUse: now)
    sessions.withLock { sessions in
      sessions = sessions.filter { Self.lasts($0.value, tokenGeneration, at: now) }
      if sessions.count >= Self.countLimit,
        let oldest = sessions.min(by: { $0.value.lastUse < $1.value.lastUse })
      {
        sessions[oldest.key] = nil
      }
      sessions[cookie] = session
    }
    return secrets
  }

  /// Returns the session that one of the cookies belongs to, or nil if there is none any more.
  func find(
    _ cookies: [Substring], tokenGeneration: Int, at now: ContinuousClock.Instant
  ) -> Session? {
    for cookie in cookies.prefix(Self.cookieLimit) {
      guard let digest = Self.digest(ofSecret: String(cookie)) else { continue }
      let session = sessions.withLock { sessions -> Session? in
        guard let session = sessions[digest] else { return nil }
        guard Self.lasts(session, tokenGeneration, at: now) else {
          sessions[digest] = nil
          return nil
        }
        return session
      }
      if let session { return session }
    }
    return nil
  }

  /// Notes that a session is in use.
  func use(_ session: Session, at now: ContinuousClock.Instant) {
    sessions.withLock { $0[session.cookieDigest]?.lastUse = now }
  }

  func end(_ session: Session) { sessions.withLock { $0[session.cookieDigest] = nil } }

  private static func lasts(
    _ session: Session, _ tokenGeneration: Int, at now: ContinuousClock.Instant
  ) -> Bool {
    session.tokenGeneration == tokenGeneration && session.timeLeft(at: now) > .zero
  }

  private static func secret() -> String {
    // The system's generator is one for secrets: getrandom(2).
    var generator = SystemRandomNumberGenerator()
    return HexDigits.text(
      (0..<secretByteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
  }

  /// Returns the digest of a half, or nil for what cannot be one.
  fileprivate static func digest(ofSecret text: String) -> [UInt8]? {
    guard text.utf8.count == 2 * secretByteCount, let bytes = HexDigits.bytes(text) else {
      return nil
    }
    return try? SHA256.digest(of: bytes)
  }
}
