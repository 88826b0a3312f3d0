import Decoding
import Foundation
import Testing

/// Decoders as the server runs them: processes of their own.
@Suite(.serialized, .enabled(if: Spawner.isPossible, "a sanitizer's build has no such processes"))
struct DecoderTests {
  private static let plan = ["--workers", "2", "--max-batch", "2", "--tune", "off"]

  private func classify(_ server: ServerUnderTest, _ file: String) async throws -> Int {
    try await Self.classify(server.address, file)
  }

  /// The status of the answer.
  private static func classify(_ address: String, _ file: String) async throws -> Int {
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/curl"),
      [
        "--silent", "--max-time", "30", "--output", "/dev/null", "--write-out", "%{http_code}",
        "--data-binary", "@\(file)", address + "/classify",
      ])
    return try #require(Int(outcome.output))
  }

  private func restarts(_ server: ServerUnderTest, _ reason: String) async throws -> Int {
    try await server.metric("resnetd_decoder_restarts_total{reason=\"\(reason)\"}")
  }

  /// Processes whose parent is this one, by `/proc`.
  private func children(of parent: Int32) throws -> [Int32] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter {
      guard let stat = try? String(contentsOfFile: "/proc/\($0)/stat", encoding: .utf8),
        let end = stat.lastIndex(of: ")")
      else { return false }
      // State, then the parent.
      let fields = stat[end...].split(separator: " ")
      return fields.count > 2 && fields[1] != "Z" && Int32(fields[2]) == parent
    }
  }

  @Test("A decoder cannot do what the sandbox is to prevent")
  func trials() async throws {
    let outcome = try await ProgramUnderTest.run("sandbox")
    #expect(outcome.exitCode == 0, "\(outcome.output)\(outcome.errors)")
    #expect(!outcome.output.contains("possible"))
    let rows = outcome.output.split(separator: "\n")
    #expect(rows.contains { $0.hasPrefix("take memory") && $0.hasSuffix("refused") })
    #expect(rows.contains { $0.hasPrefix("compute for ever") && $0.hasSuffix("stopped") })
    guard rows.first?.contains("seccomp") == true else { return }
    for trial in ["open a file", "open a socket", "make memory executable", "start a process"] {
      #expect(rows.contains { $0.hasPrefix(trial) && $0.hasSuffix("a forbidden system call") })
    }
  }

  @Test("Answers do not depend on where an image is decoded")
  func answers() async throws {
    for picture in ["rgb.png", "lossy-alpha.webp", "progressive.jpg", "cmyk-adobe.jpg"] {
      let path = ProgramUnderTest.repository + "/Tests/ImagingTests/Fixtures/" + picture
      let inside = try await ProgramUnderTest.run("classify", "--json", path)
      let outside = try await ProgramUnderTest.run("classify", "--json", "--sandbox", "off", path)
      #expect(inside.exitCode == 0 && inside.output == outside.output, "\(picture)")
    }
  }

  @Test("Nobody notices that decoders are killed, and each is counted")
  func killedDecoders() async throws {
    let server = try await ServerUnderTest(options: Self.plan)
    let spawner = try #require(try children(of: server.process.processIdentifier).first)
    let address = server.address
    for _ in 0..<4 {
      for decoder in try children(of: spawner) { kill(decoder, SIGKILL) }
      async let first = Self.classify(address, ProgramUnderTest.samplePicture)
      async let second = Self.classify(address, ProgramUnderTest.samplePicture)
      let statuses = try await [first, second]
      #expect(statuses == [200, 200])
    }
    #expect(try await restarts(server, "killed") > 0)
    #expect(try await restarts(server, "crashed") == 0)
    #expect(await server.stop() == 0)
  }

  @Test("Without the process that starts decoders the server is not ready and says why")
  func killedSpawner() async throws {
    let server = try await ServerUnderTest(options: Self.plan)
    let spawner = try #require(try children(of: server.process.processIdentifier).first)
    kill(spawner, SIGKILL)
    // Decoders are about to end as well: no image is blamed for it.
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    var status = 200
    while status == 200, ContinuousClock.now < deadline {
      status = try await classify(server, ProgramUnderTest.samplePicture)
    }
    #expect(status == 503)
    let ready = try await server.curl(server.address + "/readyz")
    #expect(ready.status == 503 && ready.body.contains("decoders"))
    #expect(try await server.curl(server.address + "/livez").status == 200)
    #expect(await server.stop() == 0)
  }

  @Test(
    "A worker that never comes to the end of a step ends the process with 3, and the log says so")
  func lostWorker() async throws {
    let server = try await ServerUnderTest(
      options: [
        "--workers", "1", "--tune", "off", "--stall-timeout", "1s", "--request-timeout", "1s",
      ])
    let spawner = try #require(try children(of: server.process.processIdentifier).first)
    defer { kill(spawner, SIGKILL) }
    // Whoever asks for a new decoder waits longer for this process than the server waits for a worker.
    kill(spawner, SIGSTOP)
    for decoder in try children(of: spawner) { kill(decoder, SIGKILL) }
    let address = server.address
    async let answer = Self.classify(address, ProgramUnderTest.samplePicture)
    await ProgramUnderTest.end(of: server.process, within: ProgramUnderTest.timeLimit)
    #expect(server.process.terminationReason == .exit && server.process.terminationStatus == 3)
    #expect(server.logged.contains("a worker does not come to the end of a step"))
    #expect(try await [0, 504].contains(answer))
  }

  @Test("Decoders know nothing of the server's environment and end with it")
  func inheritance() async throws {
    let server = try await ServerUnderTest(
      options: Self.plan, environment: ["AWS_SECRET_ACCESS_KEY": "hush-hush"])
    let spawner = try #require(try children(of: server.process.processIdentifier).first)
    let decoders = try children(of: spawner)
    #expect(decoders.count == 2)
    for process in [spawner] + decoders {
      let environment = try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/environ"))
      #expect(environment?.contains(UInt8(ascii: "h")) != true)
      // Orders to end mean the server.
      kill(process, SIGTERM)
      kill(process, SIGINT)
    }
    #expect(try await classify(server, ProgramUnderTest.samplePicture) == 200)
    kill(server.process.processIdentifier, SIGKILL)
    await ProgramUnderTest.end(of: server.process, within: ProgramUnderTest.timeLimit)
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    while try !children(of: spawner).isEmpty || kill(spawner, 0) == 0 {
      try #require(ContinuousClock.now < deadline, "processes are left over")
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  @Test(
    "Images that take long do not keep the only worker from others, one after the other or many at once"
  )
  func slowImages() async throws {
    let server = try await ServerUnderTest(options: ["--workers", "1", "--max-batch", "2"])
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("slow.jpg")
    try Data(HostileImages.progressiveCMYK).write(to: file)
    let address = server.address
    // More than have a place aside.
    let slow = (0..<8).map { _ in
      Task {
        let status = try await Self.classify(address, file.path)
        return (status, ContinuousClock.now)
      }
    }
    func waits() async throws -> Bool {
      try await server.metric("resnetd_in_flight") >= 8
    }
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    while try await !waits() { try #require(ContinuousClock.now < deadline) }
    for _ in 0..<5 {
      #expect(try await classify(server, ProgramUnderTest.samplePicture) == 200)
    }
    let done = ContinuousClock.now
    var laterCount = 0
    for task in slow {
      let (status, instant) = try await task.value
      #expect([200, 503, 504].contains(status), "\(status)")
      if instant > done { laterCount += 1 }
    }
    // In order of arrival all eight would have come first.
    #expect(laterCount > 0)
    #expect(await server.stop() == 0)
  }

  @Test("An image that outgrows its memory or its time is refused, and its neighbours are not")
  func heavyImages() async throws {
    let server = try await ServerUnderTest(options: Self.plan + ["--decode-timeout", "50ms"])
    let folder = try TemporaryFolder()
    let groups = folder.url.appendingPathComponent("groups.webp")
    try Data(HostileImages.groupsOfPrefixCodes).write(to: groups)
    let coefficients = folder.url.appendingPathComponent("coefficients.jpg")
    try Data(HostileImages.progressiveCMYK).write(to: coefficients)
    #expect(try await classify(server, groups.path) == 413)
    #expect(try await restarts(server, "memory") == 1)
    #expect(try await classify(server, coefficients.path) == 413)
    #expect(try await restarts(server, "slow") == 1)
    #expect(try await classify(server, ProgramUnderTest.samplePicture) == 200)
    #expect(await server.stop() == 0)
  }
}
