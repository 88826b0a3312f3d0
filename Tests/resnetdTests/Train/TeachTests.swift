import Foundation
import Testing

/// Classes taught to a running server by curl.
@Suite struct TeachTests {
  private static let labels = ["wide-upright", "wide-level", "narrow-upright"]

  private func label(_ body: String) throws -> String {
    try #require(body.firstMatch(of: /"label":"([^"]+)"/)).output.1.description
  }

  @Test("Ten images of each of three labels are live beside traffic, which loses no request")
  func beside() async throws {
    let folder = try TemporaryFolder()
    let state = folder.url.appendingPathComponent("state").path
    let server = try await ServerUnderTest("--state-dir", state)
    let admin = try await server.adminAddress
    func drawn(_ kind: Int, _ number: Int) throws -> String {
      let file = folder.url.appendingPathComponent("\(kind)-\(number).bmp")
      try DrawnImages.bitmap(kind: kind, number: number).write(to: file)
      return file.path
    }
    let traffic = Traffic(server.address)
    async let lost = traffic.run()
    defer { traffic.stop() }
    for (kind, label) in Self.labels.enumerated() {
      let files = try (0..<10).flatMap { ["-F", "image=@\(try drawn(kind, $0))"] }
      let answer = try await server.curl(
        files + ["\(admin)/admin/examples?label=\(label)&keep_images=true"])
      #expect(answer.status == 200 && answer.body.contains(#""kept":10"#), "\(answer.body)")
    }
    let taught = try await server.curl("-X", "POST", "\(admin)/admin/teach")
    #expect(taught.status == 200, "\(taught.body)")
    #expect(taught.body.contains(#""classes":13"#))
    var rightCount = 0
    for (kind, label) in Self.labels.enumerated() {
      for number in 20..<26 {
        let answer = try await server.curl(
          "-T", try drawn(kind, number), "\(server.address)/classify")
        rightCount += try self.label(answer.body) == label ? 1 : 0
      }
    }
    #expect(rightCount >= 13, "of 18 images that were not sent")
    let known = try await server.curl(
      "-T", ProgramUnderTest.sampleImage, "\(server.address)/classify")
    #expect(try Self.labels.contains(label(known.body)) == false)
    #expect(try await server.metric(#"resnetd_examples_total{outcome="kept"}"#) == 30)
    let back = try await server.curl("-X", "POST", "\(admin)/admin/rollback")
    #expect(back.status == 200 && back.body.contains(#""version":"8a3ca0d18ee4""#))
    let after = try await server.curl(
      "-T", try drawn(0, 30), "\(server.address)/classify")
    #expect(try Self.labels.contains(label(after.body)) == false)
    traffic.stop()
    let counts = await lost
    #expect(counts.failed == 0 && counts.answered > 0)
    #expect(await server.stop() == 0)

    // The examples are there after a restart.
    let second = try await ServerUnderTest("--state-dir", state)
    let listed = try await second.curl("\(try await second.adminAddress)/admin/examples")
    #expect(listed.body.contains(#""examples":30"#) && listed.body.contains(#""images":10"#))
    #expect(await second.stop() == 0)
  }

  @Test("A server without a state folder is taught again and again, and says that it keeps nothing")
  func withoutFolder() async throws {
    let folder = try TemporaryFolder()
    let server = try await ServerUnderTest()
    let admin = try await server.adminAddress
    for (kind, classCount) in [(0, 11), (1, 12)] {
      for number in 0..<3 {
        let file = folder.url.appendingPathComponent("\(kind)-\(number).bmp")
        try DrawnImages.bitmap(kind: kind, number: number).write(to: file)
        let sent = try await server.curl(
          "--data-binary", "@\(file.path)", "\(admin)/admin/examples?label=kind\(kind)")
        #expect(sent.status == 200, "\(sent.body)")
      }
      let taught = try await server.curl("-X", "POST", "\(admin)/admin/teach")
      #expect(taught.status == 200 && taught.body.contains(#""classes":\#(classCount)"#))
      #expect(taught.body.contains(#""recorded":false"#))
    }
    let listed = try await server.curl("\(admin)/admin/examples").body
    #expect(listed.contains(#""stored":"memory""#) && listed.contains(#""fits_live_model":true"#))
    #expect(await server.stop() == 0)
  }

  /// Requests that follow each other without a pause, on two connections.
  private final class Traffic: @unchecked Sendable {
    private let address: String
    private let lock = NSLock()
    private var isOver = false

    init(_ address: String) { self.address = address }

    func stop() { lock.withLock { isOver = true } }

    func run() async -> (answered: Int, failed: Int) {
      await withTaskGroup(of: (answered: Int, failed: Int).self) { group in
        for _ in 0..<2 { group.addTask { await self.client() } }
        return await group.reduce((0, 0)) { ($0.0 + $1.answered, $0.1 + $1.failed) }
      }
    }

    private func client() async -> (answered: Int, failed: Int) {
      var counts = (answered: 0, failed: 0)
      let image = ProgramUnderTest.sampleImage
      while !lock.withLock({ isOver }) {
        // Many requests on one connection; a status for each.
        let arguments = (0..<20).flatMap { _ in
          ["--upload-file", image, "--output", "/dev/null", "\(address)/classify"]
        }
        let outcome = try? await ProgramUnderTest.run(
          URL(fileURLWithPath: "/usr/bin/curl"),
          ["--silent", "--write-out", "%{http_code}\n"] + arguments)
        let codes = outcome?.output.split(separator: "\n") ?? []
        counts.answered += codes.count { $0 == "200" }
        counts.failed += 20 - codes.count { $0 == "200" }
      }
      return counts
    }
  }
}
