import Foundation
import HTTPCore
import HTTPServer
import Serving
import Synchronization
import Testing

/// Sessions of the admin endpoint, and requests that other web pages forge.
@Suite struct AdminSessionTests {
  /// An endpoint with a token, and the browser of somebody who knows it.
  private final class Fixture: Sendable {
    let clock = AdminClock()
    let file: TokenFile
    let admin: AdminFixture

    init() throws {
      file = try TokenFile("right")
      admin = try AdminFixture(token: file.path, now: clock.now)
    }

    func ask(
      _ method: String, _ target: String, _ fields: [(String, String)],
      from address: String = "a:1"
    ) async throws -> Response {
      let request = try Request(method, target, [("Host", "localhost:8081")] + fields)
      if case .answer(let response) = admin.service.receive(request.head, from: address) {
        return response
      }
      return await answerOf(admin.service, to: request)
    }

    /// Signs in and returns the fields by which the browser's page is known from then on.
    func signIn() async throws -> Browser {
      let answer = try await ask(
        "POST", "/admin/session",
        [("Authorization", "Bearer right"), ("Origin", "http://localhost:8081")])
      #expect(answer.status == 200)
      let cookie = try #require(answer.fields["Set-Cookie"]?.split(separator: ";").first)
      let secret = try #require(try answer.json()["csrf_token"] as? String)
      return Browser(cookie: ("Cookie", String(cookie)), secret: ("X-CSRF-Token", secret))
    }

    func status(_ fields: [(String, String)], _ target: String = "/admin/model") async throws -> Int
    {
      try await ask("GET", target, fields).status
    }
  }

  private struct Browser {
    let cookie: (String, String)
    let secret: (String, String)
    var page: [(String, String)] { [cookie, secret] }
  }

  @Test("The token becomes a session whose cookie no script and no other site sees")
  func signIn() async throws {
    let fixture = try Fixture()
    let answer = try await fixture.ask(
      "POST", "/admin/session", [("Authorization", "Bearer right")])
    let cookie = try #require(answer.fields["Set-Cookie"])
    #expect(
      cookie.wholeMatch(
        of: /resnetd-session-8081=[0-9a-f]{64}; Path=\/admin\/; HttpOnly; SameSite=Strict/) != nil,
      "\(cookie)")
    #expect(answer.fields["Cache-Control"] == "no-store")
    #expect(answer.fields["Cross-Origin-Resource-Policy"] == "same-origin")
    let browser = try await fixture.signIn()
    #expect(browser.cookie.1 != cookie.split(separator: ";")[0], "each session has its own id")
    #expect(try await fixture.status(browser.page) == 200)
    let change = try await fixture.ask(
      "DELETE", "/admin/swap", browser.page + [("Origin", "http://localhost:8081")])
    #expect(try change.problemKind() == "no-swap")
    let logged = fixture.admin.logged
    #expect(logged.contains(#""action":"sign in","by":"token""#))
    #expect(logged.contains(#""action":"end swap","by":"session""#))
    #expect(!logged.contains(browser.secret.1) && !logged.contains("right"))
  }

  @Test("Behind a proxy that speaks TLS the cookie is for TLS alone")
  func secure() async throws {
    let fixture = try Fixture()
    let answer = try await fixture.ask(
      "POST", "/admin/session",
      [("Authorization", "Bearer right"), ("Origin", "https://localhost:8081")])
    #expect(answer.fields["Set-Cookie"]?.hasSuffix("; SameSite=Strict; Secure") == true)
  }

  @Test("Neither half of a session is worth anything without the other")
  func halves() async throws {
    let fixture = try Fixture()
    let (one, other) = (try await fixture.signIn(), try await fixture.signIn())
    for method in ["GET", "DELETE"] {
      let answer = try await fixture.ask(method, "/admin/swap", [one.cookie])
      #expect(try answer.status == 403 && answer.problemKind() == "forged-request")
    }
    #expect(try await fixture.status([one.cookie, other.secret]) == 403)
    #expect(try await fixture.status([one.cookie, one.secret, one.secret]) == 403)
    #expect(try await fixture.status([one.cookie, ("X-CSRF-Token", "")]) == 403)
    #expect(try await fixture.status([one.secret], "/admin/swap") != 200)
    let shown = try await fixture.ask("GET", "/admin/session", [one.cookie])
    #expect(try shown.json()["signed_in"] as? Bool == false)
    #expect(try shown.json()["csrf_token"] == nil)
    // A cookie that another port of the host set under the same name does not hide the right one.
    let tossed = one.cookie.1.replacing(/=.*/, with: "=" + String(repeating: "0", count: 64))
    #expect(
      try await fixture.status([("Cookie", "a=b; \(tossed); \(one.cookie.1)"), one.secret]) == 200)
    #expect(try await fixture.status([("Cookie", tossed), one.secret]) == 401)
  }

  @Test("The cookie alone signs out, on the server too", arguments: [nil, "", "0"])
  func signOut(secret: String?) async throws {
    let fixture = try Fixture()
    let (browser, other) = (try await fixture.signIn(), try await fixture.signIn())
    let fields = [browser.cookie] + (secret.map { [("X-CSRF-Token", $0)] } ?? [])
    let answer = try await fixture.ask("DELETE", "/admin/session", fields)
    #expect(answer.status == 200 && answer.fields["Set-Cookie"]?.contains("Max-Age=0") == true)
    #expect(try answer.json()["signed_in"] as? Bool == false)
    #expect(try await fixture.status(browser.page) == 401)
    #expect(try await fixture.status(other.page) == 200)
    #expect(fixture.admin.logged.contains(#""action":"sign out""#))
  }

  @Test(
    "A browser's request counts only if a page of this server sends it",
    arguments: [
      ("Origin", "http://localhost:8081", 200), ("Origin", "https://localhost:8081", 200),
      ("Origin", "http://LOCALHOST:8081", 200), ("Origin", "null", 403), ("Origin", "", 403),
      ("Origin", "http://localhost", 403), ("Origin", "http://localhost:8080", 403),
      ("Origin", "http://localhost:80811", 403), ("Origin", "http://example.org", 403),
      ("Origin", "ftp://localhost:8081", 403), ("Origin", "localhost:8081", 403),
      ("Sec-Fetch-Site", "same-origin", 200), ("Sec-Fetch-Site", "none", 200),
      ("Sec-Fetch-Site", "same-site", 403), ("Sec-Fetch-Site", "cross-site", 403),
    ])
  func sources(field: String, value: String, status: Int) async throws {
    let fixture = try Fixture()
    let browser = try await fixture.signIn()
    let fields = [(field, value)]
    #expect(try await fixture.status(browser.page + fields) == status)
    #expect(try await fixture.status([("Authorization", "Bearer right")] + fields) == status)
    let twice = browser.page + [("Origin", "http://localhost:8081"), ("Origin", "null")]
    #expect(try await fixture.status(twice) == 403)
    // Nobody is signed in, or out, by another page.
    for method in ["POST", "DELETE"] {
      let answer = try await fixture.ask(
        method, "/admin/session", browser.page + [("Authorization", "Bearer right")] + fields)
      #expect(answer.status == status)
    }
    let open = try AdminFixture()
    let answer = try await open.ask("GET", "/admin/model", [("Host", "localhost:8081")] + fields)
    #expect(answer.status == status)
  }

  @Test("Without a token a foreign name that points here is refused, whatever its origin")
  func rebinding() async throws {
    let admin = try AdminFixture()
    for target in ["/admin/session", "/admin/model", "/admin/", "/"] {
      let fields = [("Host", "example.org:8081"), ("Origin", "http://example.org:8081")]
      let answer = try await admin.ask("GET", target, fields)
      #expect(try answer.status == 403 && answer.problemKind() == "foreign-host")
    }
    let own = try await admin.ask("GET", "/admin/session", [("Host", "localhost:8081")])
    #expect(try own.json()["access"] as? String == "loopback")
    #expect(try own.json()["signed_in"] as? Bool == true)
  }

  @Test("A session ends by itself, by its end, and with its token")
  func ends() async throws {
    let fixture = try Fixture()
    let idle = try await fixture.signIn()
    fixture.clock.advance(.seconds(3599))
    #expect(try await fixture.status(idle.page, "/admin/status") == 200)
    fixture.clock.advance(.seconds(2))
    #expect(try await fixture.status(idle.page) == 401, "looks are no use")

    let busy = try await fixture.signIn()
    for _ in 0..<13 {
      #expect(try await fixture.status(busy.page) == 200)
      fixture.clock.advance(.seconds(3300))
    }
    #expect(try await fixture.status(busy.page) == 200)
    fixture.clock.advance(.seconds(300))
    #expect(try await fixture.status(busy.page) == 401, "after twelve hours")

    let forgotten = try await fixture.signIn()
    #expect(try await fixture.ask("DELETE", "/admin/session", [forgotten.cookie]).status == 200)
    #expect(try await fixture.status(forgotten.page) == 401, "by the cookie alone")
    let left = try await fixture.signIn()
    let end = try await fixture.ask("DELETE", "/admin/session", left.page)
    #expect(end.fields["Set-Cookie"]?.contains("=; Path=/admin/; ") == true)
    #expect(end.fields["Set-Cookie"]?.hasSuffix("; Max-Age=0") == true)
    #expect(try await fixture.status(left.page) == 401)

    let former = try await fixture.signIn()
    try fixture.file.write("other")
    #expect(try await fixture.status(former.page) == 401)
    try fixture.file.write("right")
    #expect(try await fixture.status(former.page) == 401, "a token that came back is a new one")
  }

  @Test("The number of sessions is bounded: the one out of use for longest goes")
  func bounded() async throws {
    let fixture = try Fixture()
    let first = try await fixture.signIn()
    let second = try await fixture.signIn()
    fixture.clock.advance(.seconds(1))
    #expect(try await fixture.status(first.page) == 200)
    for _ in 0..<63 { _ = try await fixture.signIn() }
    #expect(try await fixture.status(second.page) == 401)
    #expect(try await fixture.status(first.page) == 200)
  }

  @Test("While an address has to pause, no token of its is looked at")
  func bruteForce() async throws {
    let fixture = try Fixture()
    func signIn(_ token: String, from address: String) async throws -> Response {
      try await fixture.ask(
        "POST", "/admin/session", [("Authorization", "Bearer \(token)")], from: address)
    }
    for _ in 0..<5 { #expect(try await signIn("wrong", from: "a:1").status == 401) }
    #expect(try await signIn("wrong", from: "a:1").status == 429)
    let held = try await signIn("right", from: "a:2")
    #expect(try held.status == 429 && held.problemKind() == "too-many-refusals")
    #expect(held.fields["Retry-After"] == "1" && held.fields["Set-Cookie"] == nil)
    #expect(try await fixture.status([("Authorization", "Bearer right")]) == 200)
    #expect(try await signIn("right", from: "b:1").status == 200, "another address")
    fixture.clock.advance(.seconds(2))
    #expect(try await signIn("right", from: "a:1").status == 200)
    // Nor does a crowd of addresses help.
    for number in 0..<100 { _ = try await signIn("wrong", from: "\(number):1") }
    #expect(try await signIn("right", from: "new:1").status == 429)
    fixture.clock.advance(.seconds(60))
    #expect(try await signIn("right", from: "new:1").status == 200)
  }
}
