import Foundation
import Testing

/// IPv6 addresses, with brackets and without.
@Suite struct HostTests {
  private static let hasIPv6 =
    (try? String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8))?
    .contains("00000000000000000000000000000001") == true

  private func healthcheck(_ host: String, _ port: Int) async throws -> Int32 {
    try await ProgramUnderTest.run("healthcheck", "--host", host, "--port", String(port)).exitCode
  }

  @Test(
    "A server listens where it is told to and the health check finds it",
    .enabled(if: hasIPv6, "needs ::1"),
    arguments: [
      ("::1", ["::1", "[::1]"]), ("[::1]", ["::1", "[::1]"]),
      ("::", ["::", "[::]", "::1", "0.0.0.0", "127.0.0.1", "localhost"]),
      ("[::]", ["[::]", "127.0.0.1"]),
    ])
  func addresses(_ host: String, _ hosts: [String]) async throws {
    let server = try await ServerUnderTest(
      options: [
        "--host", host, "--admin-host", "[::1]", "--metrics-port", "0", "--metrics-host", host,
        "--tune", "off",
      ], until: /"ready","url":"http:\/\/\[::1?\]:(\d+)"/)
    for asked in hosts { #expect(try await healthcheck(asked, server.port) == 0, "\(asked)") }
    let admin = try await server.logged(/"message":"admin","url":"(http:\/\/\[::1\]:\d+)"/)
    let port = try #require(admin.split(separator: ":").last.map(String.init))
    for asked in ["::1", "[::1]", "[::]"] {
      let status = try await ProgramUnderTest.run(
        "model", "status", "--admin-host", asked, "--admin-port", port)
      #expect(status.exitCode == 0, "\(status.errors)")
    }
    #expect(await server.stop() == 0)
  }

  @Test("All addresses of IPv4 mean the loopback to whoever asks")
  func wildcard() async throws {
    let server = try await ServerUnderTest(
      options: ["--host", "0.0.0.0", "--tune", "off"],
      until: /"ready","url":"http:\/\/0\.0\.0\.0:(\d+)"/)
    #expect(try await healthcheck("0.0.0.0", server.port) == 0)
    #expect(await server.stop() == 0)
  }

  @Test("Beyond the loopback the admin endpoint needs a token with brackets as well")
  func open() async throws {
    let outcome = try await ProgramUnderTest.run("serve", "--port", "0", "--admin-host", "[::]")
    #expect(outcome.exitCode == 2 && outcome.errors.contains("--admin-token-file"))
  }
}
