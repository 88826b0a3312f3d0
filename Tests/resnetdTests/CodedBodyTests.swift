import Foundation
import Testing

/// Compressed bodies and answers, as curl and gzip make and read them.
@Suite struct CodedBodyTests {
  @Test("gzip's file is classified, curl reads what it accepts, and connections go on after faults")
  func curl() async throws {
    let server = try await ServerUnderTest()
    let folder = try TemporaryFolder()
    let image = ProgramUnderTest.sampleImage
    let packed = folder.url.appendingPathComponent("ship.gz").path
    let gzip = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/bin/sh"), ["-c", "exec gzip --stdout \"$0\" >\"$1\"", image, packed])
    #expect(gzip.exitCode == 0, "\(gzip.errors)")
    let coded = ["-H", "Content-Encoding: gzip"]
    let target = "\(server.address)/classify"
    let answer = try await server.curl(coded + ["-T", packed, target])
    #expect(answer.status == 200 && answer.body.contains("ship"))

    // One connection: bytes that are no gzip, then a whole request after `100 Continue`.
    let both = try await server.curl(
      coded + ["-T", image, target, "--next", "--silent", "-i", "-H", "Expect: 100-continue"]
        + coded + ["-w", "%{num_connects}\n%{http_code}", "-T", packed, target])
    #expect(both.status == 200 && both.body.hasSuffix("}\n0"), "\(both.body)")
    #expect(both.body.contains("urn:resnetd:problem:malformed-encoding"))
    #expect(both.body.contains("HTTP/1.1 100 Continue"))

    let plain = try await server.curl("\(server.address)/openapi.json")
    let unpacked = try await server.curl("--compressed", "\(server.address)/openapi.json")
    #expect(plain.status == 200 && unpacked.body == plain.body)
    let head = try await server.curl(
      "--head", "-H", "Accept-Encoding: gzip", "\(server.address)/openapi.json")
    #expect(head.body.contains("Content-Encoding: gzip"))
    #expect(head.body.contains("Vary: Accept-Encoding"))
    #expect(await server.stop() == 0)
  }
}
