import Decoding
import Foundation
import Testing

/// Decoders as the server runs them: in processes of their own.
@Suite(.serialized, .enabled(if: Spawner.isPossible, "a sanitizer's build has no such processes"))
struct DecoderTests {
  private static let plan = ["--workers", "2", "--max-batch", "2", "--tune", "off"]

  private func classify(_ server: ServerUnderTest, _ file: String) async throws -> Int {
    try await Self.classify(server.address, file)
  }

  /// Returns the status of the answer.
  private static func classify(_ address: String, _ file: String) async throws -> Int {
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/curl"),
      [
        "--silent", "--max-time", "600", "--output", "/dev/null", "--write-out", "%{http_code}",
        "--data-binary", "@\(file)", address + "/classify",
      ])
    return try #require(Int(outcome.output))
  }

  private func restarts(_ server: ServerUnderTest, _ reason: String) async throws -> Int {
    try await server.metric("resnetd_decoder_restarts_total{reason=\"\(reason)\"}")
  }

  /// Returns the processes whose parent is this one, by `/proc`.
  private func children(of parent: Int32) throws -> [Int32] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter {
      guard let stat = try? String(contentsOfFile: "/proc/\($0)/stat", encoding: .utf8),
        let end = stat.lastIndex(of: ")")
      else { return false }
      // The state comes first, then the parent.
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
    #expect(rows.contains { $0.hasPrefix("compute forever") && $0.hasSuffix("stopped") })
    guard rows.first?.contains("seccomp") == true else { return }
    for trial in ["open a file", "open a socket", "make memory executable", "start a process"] {
      #expect(rows.contains { $0.hasPrefix(trial) && $0.hasSuffix("a forbidden system call") })
    }
  }

  @Test("Answers do not depend on where an image is decoded")
  func answers() async throws {
    for image in [
      "rgb.png", "lossy-alpha.webp", "progressive.jpg", "cmyk-adobe.jpg",
      "Formats/interlaced.gif", "Formats/rle-8.bmp", "Formats/lzw.tif", "Formats/jpeg.tif",
      "Formats/alpha.avif", "Formats/orientation-6.heic", "Formats/ten-bits.heic",
    ] {
      let path = ProgramUnderTest.repository + "/Tests/ImagingTests/Fixtures/" + image
      let inside = try await ProgramUnderTest.run("classify", "--json", path)
      let outside = try await ProgramUnderTest.run("classify", "--json", "--sandbox", "off", path)
      #expect(inside.exitCode == outside.exitCode && inside.output == outside.output, "\(image)")
      #expect(inside.exitCode == 0 || inside.errors.contains("is not installed"), "\(image)")
    }
  }

  @Test("Nobody notices that decoders are killed, and each is counted")
  func killedDecoders() async throws {
    let server = try await ServerUnderTest(options: Self.plan)
    let spawner = try #require(try children(of: server.process.processIdentifier).first)
    let address = server.address
    for _ in 0..<4 {
      for decoder in try children(of: spawner) { kill(decoder, SIGKILL) }
      async let first = Self.classify(address, ProgramUnderTest.sampleImage)
      async let second = Self.classify(address, ProgramUnderTest.sampleImage)
      let statuses = try await [first, second]
      #expect(statuses == [200, 200])
    }
    #expect(try await restarts(server, "killed") > 0)
    #expect(try await restarts(server, "crashed") == 0)
    #expect(await server.stop() == 0)
  }

  @Test("Without the process that starts decoders the server is not ready, says why, and ends")
  func killedSpawner() async throws {
    let server = try await ServerUnderTest(options: Self.plan)
    let spawner = try #require(try children(of: server.process.processIdentifier).first)
    kill(spawner, SIGKILL)
    // The decoders are about to end as well: no image is blamed for it.
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    var status = 200
    while status == 200, ContinuousClock.now < deadline {
      status = try await classify(server, ProgramUnderTest.sampleImage)
    }
    #expect(status == 503)
    let ready = try await server.curl(server.address + "/readyz")
    #expect(ready.status == 503 && ready.body.contains("decoders"))
    await ProgramUnderTest.end(of: server.process, within: ProgramUnderTest.timeLimit)
    #expect(server.process.terminationStatus == 3)
    #expect(server.logged.contains("no image can be decoded any more"))
  }

  /// Waits until a process whose parent is stopped, and so cannot reap it, has ended.
  private func isDead(_ process: pid_t) async -> Bool {
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    while ContinuousClock.now < deadline {
      let line = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
      if line.split(separator: ")").last?.hasPrefix(" Z") == true { return true }
      await Task.yield()
    }
    return false
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
    // Waiting for a new decoder from this process takes longer than the server waits for a worker.
    kill(spawner, SIGSTOP)
    for decoder in try children(of: spawner) {
      kill(decoder, SIGKILL)
      // While it is still ending, its image would be set aside instead.
      #expect(await isDead(decoder))
    }
    let address = server.address
    async let answer = Self.classify(address, ProgramUnderTest.sampleImage)
    await ProgramUnderTest.end(of: server.process, within: ProgramUnderTest.timeLimit)
    #expect(server.process.terminationReason == .exit && server.process.terminationStatus == 3)
    #expect(server.logged.contains("a worker did not finish a step"))
    #expect(try await [0, 504].contains(answer))
  }

  @Test("Decoders know nothing of the server's environment and end with it")
  func inheritance() async throws {
    let server = try await ServerUnderTest(
      options: Self.plan, environment: ["AWS_SECRET_ACCESS_KEY": "hush-hush"])
    let spawner = try #require(try children(of: server.process.processIdentifier).first)
    // Each worker starts its own.
    try await wait { try children(of: spawner).count == 2 }
    let decoders = try children(of: spawner)
    for process in [spawner] + decoders {
      let environment = try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/environ"))
      #expect(environment?.contains(UInt8(ascii: "h")) != true)
      // Orders to end are meant for the server.
      kill(process, SIGTERM)
      kill(process, SIGINT)
    }
    #expect(try await classify(server, ProgramUnderTest.sampleImage) == 200)
    kill(server.process.processIdentifier, SIGKILL)
    await ProgramUnderTest.end(of: server.process, within: ProgramUnderTest.timeLimit)
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    while try !children(of: spawner).isEmpty || kill(spawner, 0) == 0 {
      try #require(ContinuousClock.now < deadline, "processes are left over")
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  private static func slowImage(in folder: TemporaryFolder) throws -> String {
    let file = folder.url.appendingPathComponent("slow.jpg")
    try Data(HostileImages.progressiveCMYK).write(to: file)
    return file.path
  }

  private func wait(until isTrue: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    while try await !isTrue() {
      try #require(ContinuousClock.now < deadline, "it does not come to that")
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  @Test("Images that take long do not keep the only worker from others, however many there are")
  func slowImages() async throws {
    let server = try await ServerUnderTest(
      options: ["--workers", "1", "--max-batch", "2", "--request-timeout", "10m"])
    let folder = try TemporaryFolder()
    let (address, path) = (server.address, try Self.slowImage(in: folder))
    // There are more than have a place aside.
    let slow = (0..<12).map { _ in
      Task {
        let answer = try await ProgramUnderTest.run(
          URL(fileURLWithPath: "/usr/bin/curl"),
          ["--silent", "--data-binary", "@\(path)", address + "/classify"])
        return (answer.output, ContinuousClock.now)
      }
    }
    try await wait { try await server.metric("resnetd_in_flight") >= 12 }
    // By one process over one connection: each process more gives the slow images time to end.
    let one = ["--data-binary", "@\(ProgramUnderTest.sampleImage)", address + "/classify"]
    let others = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/curl"), ["--silent"] + one + one)
    #expect(others.output.split(separator: #""predictions":"#).count == 3)
    let done = ContinuousClock.now
    var answers: Set<String> = []
    var laterCount = 0
    for task in slow {
      let (answer, instant) = try await task.value
      answers.insert(answer)
      if instant > done { laterCount += 1 }
    }
    // In order of arrival, all twelve would have come first.
    #expect(laterCount > 0)
    #expect(answers.count == 1 && answers.first?.contains("predictions") == true, "\(answers)")
    #expect(try await restarts(server, "postponed") > 0)
    #expect(try await server.metric("resnetd_queue_depth") == 0)
    #expect(await server.stop() == 0)
  }

  @Test("Results stand in the order of their images, whichever take long")
  func slowImagesAmongOthers() async throws {
    let server = try await ServerUnderTest(options: Self.plan)
    let folder = try TemporaryFolder()
    let fixtures = ProgramUnderTest.repository + "/Tests/ImagingTests/Fixtures/"
    let paths = [
      ProgramUnderTest.sampleImage, try Self.slowImage(in: folder), fixtures + "rgb.png",
      fixtures + "progressive.jpg",
    ]
    func predictions(_ paths: [String]) async throws -> [String] {
      let form = paths.flatMap { ["--form", "image=@\($0)"] }
      let answer = try await server.curl(form + [server.address + "/classify"])
      #expect(answer.status == 200)
      return answer.body.split(separator: #""predictions":"#).dropFirst().map {
        String($0.prefix { $0 != "]" })
      }
    }
    var alone: [String] = []
    for path in paths { alone += try await predictions([path]) }
    #expect(Set(alone).count == paths.count)
    // Twice: the second one's small images are begun beside a place aside.
    #expect(try await predictions(paths + paths) == alone + alone)
    #expect(await server.stop() == 0)
  }

  @Test("Images that need most of the memory take turns, each holding none while it waits")
  func hungryImages() async throws {
    // There is room for the coefficients of one at a time.
    let server = try await ServerUnderTest(
      options: Self.plan + ["--memory-limit", "512MiB", "--request-timeout", "10m"])
    let folder = try TemporaryFolder()
    let (address, path) = (server.address, try Self.slowImage(in: folder))
    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<8 { group.addTask { try await Self.classify(address, path) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(statuses == [Int](repeating: 200, count: 8))
    #expect(await server.stop() == 0)
  }

  @Test("What is decoded for a client that has gone is ended, and its memory given back")
  func abortedSlowImage() async throws {
    let server = try await ServerUnderTest(options: Self.plan)
    let folder = try TemporaryFolder()
    let path = try Self.slowImage(in: folder)
    #expect(try await classify(server, ProgramUnderTest.sampleImage) == 200)
    let used = "resnetd_memory_budget_bytes{use=\"decoding\"}"
    let before = try await server.metric(used)
    let curl = Process()
    curl.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
    curl.arguments = ["--silent", "--data-binary", "@\(path)", server.address + "/classify"]
    curl.standardOutput = FileHandle.nullDevice
    try curl.run()
    // It gets what it needs beyond its share once it is being decoded.
    try await wait { try await server.metric(used) > before + (64 << 20) }
    kill(curl.processIdentifier, SIGKILL)
    await ProgramUnderTest.end(of: curl, within: ProgramUnderTest.timeLimit)
    try await wait { try await server.metric("resnetd_in_flight") == 0 }
    try await wait { try await server.metric(used) == before }
    #expect(try await classify(server, path) == 200)
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
    #expect(try await classify(server, ProgramUnderTest.sampleImage) == 200)
    #expect(await server.stop() == 0)
  }
}
