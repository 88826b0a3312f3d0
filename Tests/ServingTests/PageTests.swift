import Files
import Foundation
import HTTPCore
import HTTPServer
import Serving
import Testing

/// The pages at `/` and `/admin/`.
@Suite struct PageTests {
  private static let browser = (
    "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
  )

  @Test("The page at / is one small document whose policy lets in its own style and script alone")
  func home() async throws {
    let service = try TestService()
    try check(await answerOf(service.service, to: try Request("GET", "/")))
  }

  @Test("So is the page at /admin/, which anybody may look at")
  func admin() async throws {
    let file = try TokenFile("right")
    let admin = try AdminFixture(token: file.path)
    let fields = [Self.browser, ("Host", "example.org")]
    try check(await admin.ask("GET", "/admin/", fields))
    // By a link of another page, where nothing but the page is shown.
    let link = fields + [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")]
    try check(await admin.ask("GET", "/admin/?a=b", link))
    #expect(try await admin.ask("GET", "/admin/model", link).status == 403)
    let foreign = try await AdminFixture().ask("GET", "/admin/", fields)
    #expect(try foreign.problemKind() == "foreign-host")
  }

  @Test(
    "Programs are answered with the list, which takes the token",
    arguments: [
      ("*/*", false), ("application/json", false), ("text/html;q=0", false),
      ("application/json, text/html;q=0.5", false), ("text/html", true), ("TEXT/HTML;q=0.1", true),
      ("application/json;q=0.5, text/html", true), ("text/html;q=x", false), ("", false),
    ])
  func wishes(accept: String, isPage: Bool) async throws {
    let file = try TokenFile("right")
    let admin = try AdminFixture(token: file.path)
    let fields = [("Host", "localhost"), ("Accept", accept)]
    let answer = try await admin.ask("GET", "/admin/", fields)
    #expect(answer.status == (isPage ? 200 : 401))
  }

  private func check(_ answer: Response) throws {
    #expect(answer.status == 200)
    #expect(answer.fields["Content-Type"] == "text/html; charset=utf-8")
    #expect(answer.fields["Cache-Control"] == "no-store")
    let text = String(decoding: answer.body, as: UTF8.self)
    #expect(answer.body.count < 60_000 && text.hasPrefix("<!DOCTYPE html>"))
    let policy = try #require(answer.fields["Content-Security-Policy"])
    #expect(policy.hasPrefix("default-src 'none'; ") && !policy.contains("unsafe"))
    #expect(policy.hasSuffix("frame-ancestors 'none'"))
    for name in ["style", "script"] {
      let parts = text.components(separatedBy: "<\(name)>")
      let rest = try #require(parts.last?.components(separatedBy: "</\(name)>"))
      #expect(parts.count == 2 && rest.count == 2)
      let content = rest[0]
      let digest = Data(try SHA256.digest(of: Array(content.utf8))).base64EncodedString()
      #expect(policy.contains("\(name)-src 'sha256-\(digest)'"))
    }
    // Nothing from elsewhere, nothing that the policy would refuse, and nothing taken for HTML.
    #expect(!text.contains("src=\"http") && !text.contains("@import"))
    #expect(!text.contains(" style=\"") && !text.contains(" onclick="))
    #expect(!text.contains("innerHTML") && !text.contains("insertAdjacentHTML"))
    #expect(text.contains("--accent: #2f5fd0"))
  }
}
