import Files
import Foundation
import HTTPCore
import HTTPServer
import Serving
import Testing

/// The page at `/`.
@Suite struct PageTests {
  @Test("It is one small document whose policy lets in its own style and script alone")
  func home() throws {
    let head = try Request("GET", "/").head
    let service = try TestService()
    guard case .answer(let answer) = service.service.receive(head) else {
      Issue.record("the page has no body to wait for")
      return
    }
    #expect(answer.status == 200)
    #expect(answer.fields["Content-Type"] == "text/html; charset=utf-8")
    let text = String(decoding: answer.body, as: UTF8.self)
    #expect(answer.body.count < 60_000 && text.hasPrefix("<!DOCTYPE html>"))
    let policy = try #require(answer.fields["Content-Security-Policy"])
    #expect(policy.hasPrefix("default-src 'none'; ") && !policy.contains("unsafe"))
    for name in ["style", "script"] {
      let parts = text.components(separatedBy: "<\(name)>")
      let rest = try #require(parts.last?.components(separatedBy: "</\(name)>"))
      #expect(parts.count == 2 && rest.count == 2)
      let content = rest[0]
      let digest = Data(try SHA256.digest(of: Array(content.utf8))).base64EncodedString()
      #expect(policy.contains("\(name)-src 'sha256-\(digest)'"))
    }
    // Nothing from elsewhere, and nothing that the policy would refuse.
    #expect(!text.contains("src=\"http") && !text.contains("@import"))
    #expect(!text.contains(" style=\"") && !text.contains(" onclick="))
  }
}
