import HTTPCore
import JSON

/// Answers to people who are not signed in yet: the page, and the way into a session.
extension AdminService {
  /// Returns the answer to a request that needs no credential; nil for any other.
  func answerOpenly(
    _ route: AdminRoute?, _ head: RequestHead, _ identity: RequestIdentity, from address: String
  ) throws(Problem) -> Response? {
    switch route {
    case .entrance, .session: break
    case .page where PageResponse.isWanted(head): break
    default: return nil
    }
    guard let route else { return nil }
    try noting(identity, from: address) { () throws(Problem) in
      try access.checkSource(head, isOpen: route != .session)
    }
    guard route.methods.contains(head.method) else {
      throw route.refusal(of: head)
    }
    if head.method == "OPTIONS" { return .options(route.methods) }
    switch route {
    case .entrance:
      return Response(status: 308, fields: HeaderFields([("Location", AdminRoute.pagePath)]))
    case .page: return PageResponse.admin.answer
    default:
      try route.checkParameters(head)
      return try answerSession(head, identity, from: address)
    }
  }

  private func answerSession(
    _ head: RequestHead, _ identity: RequestIdentity, from address: String
  ) throws(Problem) -> Response {
    let now = now()
    switch head.method {
    case "POST":
      guard let secrets = try signIn(head, identity, from: address, at: now) else { break }
      var response = AdminAnswer.session(
        access.access, timeLeft: AdminSessions.idleLimit, secret: secrets.page)
      response.fields.append("Set-Cookie", access.cookie(secrets.cookie, for: head))
      return response
    case "DELETE":
      if access.endSession(head, at: now) { audit("sign out", identity, from: address) }
      var response = AdminAnswer.session(access.access, timeLeft: nil)
      response.fields.append("Set-Cookie", access.cookie(nil, for: head))
      return response
    default: break
    }
    return AdminAnswer.session(access.access, timeLeft: access.sessionTime(head, at: now))
  }

  /// Begins a session; nil if nobody has to sign in. While an address has to pause, its token is
  /// not looked at.
  private func signIn(
    _ head: RequestHead, _ identity: RequestIdentity, from address: String,
    at now: ContinuousClock.Instant
  ) throws(Problem) -> AdminSessions.Secrets? {
    if let pause = signIns.pause(for: address, at: now) {
      let seconds = Int((pause + .milliseconds(999)) / .seconds(1))
      throw Problem(
        429, .tooManyRefusals,
        "too many tries to sign in failed, so that no token is looked at for \(seconds) s; "
          + "requests with Authorization are",
        retryAfterSeconds: seconds, isRefusal: true)
    }
    do throws(Problem) {
      let secrets = try access.beginSession(head, at: now)
      signIns.succeeded(from: address)
      if secrets != nil { audit("sign in", identity, from: address) }
      return secrets
    } catch {
      guard error.kind == .unauthorized else { throw error }
      signIns.failed(from: address, at: now)
      return try noting(identity, from: address) { () throws(Problem) in throw error }
    }
  }

  private func audit(_ action: String, _ identity: RequestIdentity, from address: String) {
    let actor = Administrator(
      credential: access.access, address: address, requestID: identity.id)
    AuditNote().write(action, by: actor, after: .zero, to: log)
  }
}

extension AdminAnswer {
  /// Lists the paths and what they take.
  static func requests() -> Response {
    let list = AdminRoute.listed.map { path, route -> JSONValue in
      ["path": .string(path), "methods": .array(route.methods.map(JSONValue.string))]
    }
    var response = response(["requests": .array(list)])
    response.fields["Vary"] = "Accept"
    return response
  }

  /// Tells how one is let in, and for how long if nothing is done any more.
  ///
  /// - Parameters:
  ///   - timeLeft: Nil for somebody who is not signed in.
  ///   - secret: The page's half of a new session.
  static func session(
    _ access: String, timeLeft: Duration?, secret: String? = nil
  ) -> Response {
    var document: JSONObject = [
      "access": .string(access), "signed_in": .boolean(access != "token" || timeLeft != nil),
      "seconds_left": JSONValue(timeLeft.map { max(0, Int($0 / .seconds(1))) }),
    ]
    if let secret { document.append("csrf_token", .string(secret)) }
    return response(document)
  }
}
