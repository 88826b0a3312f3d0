import CPages
import Files
import HTTPCore
import Words

/// A page of the program as an answer, under a content security policy that lets in nothing but the
/// page's own style and script.
struct PageResponse: Sendable {
  /// The page at `/`.
  // SAFETY: see the initialiser.
  static let home = unsafe PageResponse(page_home())

  /// The page at `/admin/`.
  // SAFETY: see the initialiser.
  static let admin = unsafe PageResponse(page_admin())

  /// Line that the common style takes the place of.
  private static let styleMark = Array("/* page.css */\n".utf8)

  /// Never compressed: over TLS that is what scanners look for in a page (BREACH), and clients that ask
  /// for it are people.
  let answer: Response

  private init(_ page: page) {
    // SAFETY: the bytes are constant and live as long as the program.
    var bytes = unsafe Self.bytes(page)
    guard let mark = bytes.firstPlace(of: Self.styleMark) else {
      preconditionFailure("a page must have a place for the common style")
    }
    unsafe bytes.replaceSubrange(mark, with: Self.bytes(page_style()))
    answer = Response(
      status: 200,
      fields: HeaderFields([
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", Self.policy(of: bytes)),
        ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
      ]), body: bytes)
  }

  @unsafe
  private static func bytes(_ page: page) -> [UInt8] {
    unsafe Array(UnsafeBufferPointer(start: page.bytes, count: page.byte_count))
  }

  /// Returns the policy (CSP Level 3): pictures from the page itself, questions to this server alone.
  private static func policy(of page: [UInt8]) -> String {
    let rules = [
      "default-src 'none'", "style-src \(source(of: "style", in: page))",
      "script-src \(source(of: "script", in: page))", "img-src blob: data:", "connect-src 'self'",
      "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ]
    return rules.joined(separator: "; ")
  }

  /// Returns the digest of what the page's one element of a name holds, as a policy names it.
  private static func source(of name: String, in page: [UInt8]) -> String {
    let (opening, closing) = (Array("<\(name)>".utf8), Array("</\(name)>".utf8))
    guard let start = page.firstPlace(of: opening)?.upperBound,
      let end = page[start...].firstPlace(of: closing)?.lowerBound
    else { preconditionFailure("a page must have one \(name)") }
    do throws(DigestError) {
      return "'sha256-\(Base64Text.text(try SHA256.digest(of: Array(page[start..<end]))))'"
    } catch {
      // Without a digest the browser runs nothing, which is the safe side.
      return "'none'"
    }
  }
}

extension PageResponse {
  /// Returns whether a request is a browser's for something to look at, and not a program's for
  /// JSON (RFC 9110, section 12.5.1).
  static func isWanted(_ head: RequestHead) -> Bool {
    guard ["GET", "HEAD"].contains(head.method) else { return false }
    let wishes = head.fields.tokens(of: "Accept").compactMap { MediaType($0) }
    func quality(_ type: String) -> Double {
      wishes.filter { $0.essence == type }.map { Double($0.parameters["q"] ?? "1") ?? 0 }.max() ?? 0
    }
    let html = quality("text/html")
    return html > 0 && html >= quality("application/json")
  }
}
