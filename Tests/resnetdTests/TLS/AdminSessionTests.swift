import Foundation
import Testing

/// A session of the admin endpoint of the built program, over TLS, as a browser has it.
@Suite struct AdminSessionTests {
  @Test("The token becomes a cookie for TLS alone, which changes nothing without the page's half")
  func session() async throws {
    let authority = try await Authority()
    let identity = try await authority.certifyServer()
    let folder = try TemporaryFolder()
    let token = try folder.file("token", "right")
    #expect(unsafe chmod(token.path, 0o600) == 0)
    let server = try await ServerUnderTest(
      options: [
        "--tls-cert", identity.certificate, "--tls-key", identity.key, "--admin-token-file",
        token.path,
      ], until: /"message":"ready","url":"https:\/\/127\.0\.0\.1:(\d+)"/)
    let port = try await server.logged(/"message":"admin","url":"https:\/\/127\.0\.0\.1:(\d+)"/)
    let origin = "https://localhost:\(port)"
    func ask(_ path: String, _ options: String...) async throws -> (status: Int, body: String) {
      try await server.curl(
        // The name may be an address of IPv6 too, at which nobody listens.
        ["--cacert", authority.certificate, "-i", "--ipv4"] + options + ["\(origin)\(path)"])
    }

    let page = try await ask("/admin/", "-H", "Accept: text/html")
    #expect(page.status == 200 && page.body.contains("frame-ancestors 'none'"))
    let begun = try await ask(
      "/admin/session", "-X", "POST", "-H", "Authorization: Bearer right", "-H", "Origin: \(origin)"
    )
    #expect(begun.status == 200)
    let pattern = /Set-Cookie: (__Secure-resnetd-session-\d+=[0-9a-f]{64}); [^\r\n]*; Secure\r\n/
    let cookie = try #require(begun.body.firstMatch(of: pattern)).output.1
    let half = try #require(begun.body.firstMatch(of: /"csrf_token":"([0-9a-f]{64})"/)).output.1

    let forged = try await ask("/admin/swap", "-X", "DELETE", "-b", String(cookie))
    #expect(forged.status == 403 && forged.body.contains(":forged-request"))
    let other = try await ask(
      "/admin/swap", "-X", "DELETE", "-b", String(cookie), "-H", "X-CSRF-Token: \(half)", "-H",
      "Origin: http://localhost:\(port)")
    #expect(other.status == 403 && other.body.contains(":cross-origin"))
    let own = try await ask(
      "/admin/swap", "-X", "DELETE", "-b", String(cookie), "-H", "X-CSRF-Token: \(half)", "-H",
      "Origin: \(origin)")
    #expect(own.status == 404 && own.body.contains(":no-swap"))
    #expect(await server.stop() == 0)
  }
}
