import Foundation
import HostileFiles
import Testing

/// Malicious, truncated and corrupt model files of every format, sent to a running server.
@Suite(.serialized) struct CorpusTests {
  /// Answer to one upload, as curl saw it.
  private struct Answer {
    let status: Int
    let body: String
  }

  #if DEBUG
    private static let isOptimized = false
  #else
    /// Whether no sanitizer is used, which takes many times the time and memory.
    private static let isOptimized = ProcessInfo.processInfo.environment["ASAN_OPTIONS"] == nil
  #endif
  /// Limit of the server's processor time for a part of the files; it stands still while others
  /// have the cores.
  private static let processorSecondsLimit = isOptimized ? 10.0 : 200
  private static let partCount = 20
  /// Bytes that the server may take beyond those it has before: a header of a hundred thousand
  /// tensors takes most.
  private static let memoryLimit = 256 << 20

  private static let hostile: [Hostile] =
    HostileSafetensors.all + HostileSafetensors.unfit + HostileArchives.all + HostilePickles.all
    + HostileONNX.all + HostileONNXNodes.all + HostileONNXNodes.unfit + HostileONNXShapes.all
    + HostileWire.all

  private static let sound: [(name: String, bytes: [UInt8])] = [
    ("native", SoundFiles.native), ("plain", SoundFiles.plain), ("zip", SoundFiles.archive),
    ("stream", SoundFiles.stream), ("ONNX", SoundFiles.onnx),
  ]

  private let folder: TemporaryFolder
  private let server: ServerUnderTest
  private let admin: String
  private let state: String

  init() async throws {
    folder = try TemporaryFolder()
    state = folder.url.appendingPathComponent("state").path
    server = try await ServerUnderTest("--state-dir", state, "--access-log", "off")
    admin = try await server.adminAddress
  }

  /// Sends files one after the other over one connection.
  private func upload(_ files: [[UInt8]], dryRun: Bool) async throws -> [Answer] {
    let sent = try TemporaryFolder()
    var script: [String] = []
    for (index, bytes) in files.enumerated() {
      let path = sent.url.appendingPathComponent("\(index)").path
      try Data(bytes).write(to: URL(filePath: path))
      script += [
        // A file without labels is completed with the live model's ten.
        #"url = "\#(admin)/admin/model?inherit=true\#(dryRun ? "&dry_run=true" : "")""#,
        #"upload-file = "\#(path)""#, #"output = "\#(path).answer""#, "silent",
        #"write-out = "%{http_code}\n""#, "max-time = 120", "next",
      ]
    }
    let config = try sent.file("script", script.dropLast().joined(separator: "\n"))
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/curl"), ["--config", config.path], within: .seconds(600))
    let lines = outcome.output.split(separator: "\n")
    try #require(lines.count == files.count, "\(outcome.errors)")
    return try lines.enumerated().map { index, line in
      let body = try? String(
        contentsOf: sent.url.appendingPathComponent("\(index).answer"), encoding: .utf8)
      return Answer(
        status: try #require(Int(line)), body: body ?? "")
    }
  }

  /// Sends files part by part; none may keep the server computing.
  private func upload(
    _ files: [(name: String, bytes: [UInt8])], dryRun: Bool
  ) async throws -> [Answer] {
    var answers: [Answer] = []
    while answers.count < files.count {
      let part = files[answers.count..<min(answers.count + Self.partCount, files.count)]
      let start = try processorSeconds()
      answers += try await upload(part.map(\.bytes), dryRun: dryRun)
      let taken = try processorSeconds() - start
      #expect(taken < Self.processorSecondsLimit, "\(taken) s: \(part.map(\.name))")
    }
    return answers
  }

  /// Returns the server's total processor time.
  private func processorSeconds() throws -> Double {
    let line = try String(
      contentsOfFile: "/proc/\(server.process.processIdentifier)/stat", encoding: .utf8)
    // The name of the program, which may hold anything, is in parentheses.
    let fields = line.split(separator: ")").last?.split(separator: " ") ?? []
    try #require(fields.count > 12)
    let ticks = try #require(Int(fields[11])) + #require(Int(fields[12]))
    return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// Returns the things that a swap would change: the live model, an answer, the versions, the
  /// folder.
  private func observed() async throws -> [String] {
    let files = try FileManager.default.subpathsOfDirectory(atPath: state).sorted()
    return [
      try await server.curl("\(admin)/admin/model").body,
      try await server.curl("\(admin)/admin/versions").body,
      try await server.curl("-T", ProgramUnderTest.sampleImage, "\(server.address)/classify")
        .body,
      files.joined(separator: " "),
    ]
  }

  /// Returns the most bytes of memory that the server has had.
  private func memoryPeak() throws -> Int {
    let status = try String(
      contentsOfFile: "/proc/\(server.process.processIdentifier)/status", encoding: .utf8)
    let match = try #require(status.firstMatch(of: /VmHWM:\s+(\d+) kB/))
    return try #require(Int(match.output.1)) * 1024
  }

  private func expectLittleMemory(since before: Int) throws {
    guard Self.isOptimized else { return }
    let taken = try memoryPeak() - before
    #expect(taken < Self.memoryLimit, "\(taken) bytes")
  }

  @Test("The files that the others are made from would be taken")
  func sound() async throws {
    let answers = try await upload(Self.sound.map(\.bytes), dryRun: true)
    for (file, answer) in zip(Self.sound, answers) {
      #expect(answer.status == 200, "\(file.name): \(answer.body)")
    }
    #expect(await server.stop() == 0)
  }

  @Test("Every hostile file is refused in time and in bounded memory, and nothing changes")
  func refused() async throws {
    let cuts = Self.sound.flatMap { Damage.cuts(of: $0.bytes, named: $0.name, count: 8) }
    let files = Self.hostile + cuts + (try Self.refusedGraphs())
    #expect(files.count >= 600)
    let (before, memory) = (try await observed(), try memoryPeak())
    let answers = try await upload(files.map { ($0.name, $0.bytes) }, dryRun: false)
    for (file, answer) in zip(files, answers) {
      #expect(400..<500 ~= answer.status, "\(file.name): \(answer.status) \(answer.body)")
    }
    try expectLittleMemory(since: memory)
    #expect(try await observed() == before)
    #expect(await server.stop() == 0)
  }

  @Test("Files with changed bytes are refused, or sound all the same, and nothing changes")
  func damaged() async throws {
    let files = Self.sound.flatMap { Damage.changes(of: $0.bytes, named: $0.name, count: 60) }
    let (before, memory) = (try await observed(), try memoryPeak())
    let answers = try await upload(files.map { ($0.name, $0.bytes) }, dryRun: true)
    for (file, answer) in zip(files, answers) {
      #expect(
        answer.status == 200 || 400..<500 ~= answer.status,
        "\(file.name): \(answer.status) \(answer.body)")
    }
    #expect(answers.count { $0.status != 200 } > files.count / 2)
    try expectLittleMemory(since: memory)
    #expect(try await observed() == before)
    #expect(await server.stop() == 0)
  }

  /// Returns graphs written by the onnx package, each with one thing wrong.
  private static func refusedGraphs() throws -> [Hostile] {
    struct Refused: Decodable { let file: Data }
    let path = ProgramUnderTest.repository + "/Tests/CheckpointTests/Fixtures/onnx-refused.json"
    let files = try JSONDecoder().decode(
      [String: Refused].self, from: Data(contentsOf: URL(filePath: path)))
    return files.sorted { $0.key < $1.key }.map {
      Hostile("graph: \($0.key)", "", bytes: Array($0.value.file))
    }
  }
}
