import Foundation
import ScriptedServer
import Testing

/// `resnetd pull` against a server on the loopback.
@Suite(.serialized) struct PullTests {
  private static let fixtures = ProgramUnderTest.repository + "/Tests/CheckpointTests/Fixtures"

  /// A state dict of three classes, as torch.save writes it.
  private let file: ServedFile
  private let digest: String
  private let folder: TemporaryFolder
  private let labels: String

  init() async throws {
    let path = Self.fixtures + "/zip.pth"
    file = ServedFile(Array(try Data(contentsOf: URL(filePath: path))))
    folder = try TemporaryFolder()
    labels = try folder.file("labels.txt", "one\ntwo\nthree\n").path
    let sum = try await ProgramUnderTest.run(URL(filePath: "/usr/bin/sha256sum"), [path])
    digest = String(sum.output.prefix(64))
  }

  private var output: String { folder.url.appendingPathComponent("out.safetensors").path }

  private func address(_ server: ScriptedServer) -> String {
    "\(server.address)/models/small-\(digest.prefix(8)).pth"
  }

  private func pull(_ arguments: String...) async throws -> ProgramUnderTest.Outcome {
    try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["pull", "--output", output, "--labels", labels] + arguments)
  }

  private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  @Test(
    "A published file becomes a model file that says where it comes from, and nothing else stays")
  func pulled() async throws {
    let file = file
    let server = try ScriptedServer { head, _ in file.answer(head) }
    let outcome = try await pull(address(server))
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(outcome.output.hasPrefix("\(output): small, 3 classes, version "))
    #expect(!exists(output + ".partial") && !exists(output + ".partial.source"))
    let inspected = try await ProgramUnderTest.run("inspect", "--json", output)
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(inspected.output.utf8)) as? [String: Any])
    let model = try #require(report["model"] as? [String: Any])
    #expect(model["labels"] as? [String] == ["one", "two", "three"])
    let provenance = try #require(model["provenance"] as? [String: Any])
    #expect(provenance["parent"] as? String == digest)
    #expect((provenance["data"] as? String)?.contains(address(server)) == true)

    let again = try await pull(address(server))
    #expect(again.exitCode == 1 && again.errors.contains("--force replaces it"))
    #expect(server.requests.count == 1)
    #expect(try await pull("--force", address(server)).exitCode == 0)
  }

  @Test("After a kill the next run fetches what is missing")
  func killed() async throws {
    let file = file
    let half = file.bytes.count / 2
    let server = try ScriptedServer(keepsOpen: true) { head, index in
      file.answer(head, cut: index == 0 ? half : .max)
    }
    let process = Process()
    process.executableURL = try ProgramUnderTest.url
    process.arguments = ["pull", "--output", output, "--labels", labels, address(server)]
    process.standardError = FileHandle.nullDevice
    try process.run()
    let partial = output + ".partial"
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    while (try? Data(contentsOf: URL(filePath: partial)))?.count != half {
      try #require(process.isRunning && ContinuousClock.now < deadline)
      await Task.yield()
    }
    // An interrupt may be ignored by whoever runs the tests, so it is killed.
    kill(process.processIdentifier, SIGKILL)
    await ProgramUnderTest.end(of: process, within: ProgramUnderTest.timeLimit)
    #expect(process.terminationReason == .uncaughtSignal)
    #expect(!exists(output) && exists(partial))
    let outcome = try await pull(address(server))
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(server.requests.map { ServedFile.field("Range", $0) } == [nil, "bytes=\(half)-"])
  }

  @Test("What cannot be fetched, or is something else, leaves one reason and no file")
  func failures() async throws {
    let file = file
    let server = try ScriptedServer { head, _ in
      head.hasPrefix("GET /none")
        ? Array("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".utf8) : file.answer(head)
    }
    for (address, reason) in [
      ("\(server.address)/none-01234567.pth", "status 404"),
      ("\(server.address)/other-01234567.pth", "by the name it is 01234567"),
      // Nobody listens there: the port of the discard service.
      ("http://127.0.0.1:9/small-01234567.pth", "cannot fetch"),
    ] {
      let outcome = try await pull("--retries", "0", address)
      #expect(outcome.exitCode == 1 && outcome.errors.contains(reason), "\(outcome.errors)")
      #expect(outcome.output.isEmpty && !exists(output) && !exists(output + ".partial"))
    }
  }

  @Test("The password of a proxy is in no error", arguments: ["none", "http"])
  func proxy(_ scheme: String) async throws {
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      [
        "pull", "--output", output, "--retries", "0", "--labels", labels,
        "https://127.0.0.1:9/small-01234567.pth",
      ],
      environment: ["https_proxy": "\(scheme)://user:hidden@127.0.0.1:1:2"])
    #expect(outcome.exitCode == 1 && outcome.errors.contains("proxy"), "\(outcome.errors)")
    #expect(!outcome.errors.contains("hidden"))
  }

  @Test("Labels of the wrong length are refused, and what was fetched is there for the next run")
  func labelCount() async throws {
    let file = file
    let server = try ScriptedServer { head, _ in file.answer(head) }
    let wrong = try folder.file("wrong.txt", "one\n").path
    let outcome = try await pull("--labels", wrong, address(server))
    #expect(outcome.exitCode == 1 && outcome.errors.contains("1 label for a network with 3"))
    #expect(try await pull(address(server)).exitCode == 0)
    #expect(
      server.requests.map { ServedFile.field("Range", $0) } == [nil, "bytes=\(file.bytes.count)-"])
  }

  @Test("A name is fetched under its published file name, from a mirror where one is given")
  func names() async throws {
    let server = try ScriptedServer(
      answering: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    for name in ["resnet18", "resnet50", "resnet50-v1", "wide_resnet50_2-v2"] {
      let outcome = try await pull("--from", server.address + "/mirror/", name)
      #expect(outcome.exitCode == 1 && outcome.errors.contains("status 404"))
    }
    let paths = server.requests.map { $0.split(separator: " ")[1] }
    #expect(
      paths == [
        "/mirror/resnet18-f37072fd.pth", "/mirror/resnet50-11ad3fa6.pth",
        "/mirror/resnet50-0676ba61.pth", "/mirror/wide_resnet50_2-9ba9bcbe.pth",
      ])
    // A file with another name at a mirror is checked by the published digits all the same.
    let file = file
    let lying = try ScriptedServer { head, _ in file.answer(head) }
    let outcome = try await pull("--from", address(lying), "resnet18")
    #expect(outcome.exitCode == 1 && outcome.errors.contains("by the name it is f37072fd"))
    let list = try await ProgramUnderTest.run("pull", "--list")
    #expect(list.exitCode == 0 && list.output.contains("resnet152-v2"))
  }

  @Test(
    "Wrong usage says what is wrong",
    arguments: [
      ([], "name the weights"), (["resnet51"], "did you mean resnet50?"),
      (["a", "b"], "one name at a time"),
      (["--list", "resnet50"], "takes no name"),
      (["resnet50", "-o", "resnet50.pth"], "call it resnet50.safetensors; PyTorch reads"),
      (["resnet50", "-o", "x.onnx"], "x.safetensors; convert makes ONNX of it"),
      (["--from", "http://h", "http://h/a-01234567.pth"], "--from goes with a name"),
      (["http://h/a-01234567.pth"], "needs --labels"),
      (["--labels", "x", "http://h/small.pth"], "does not end in 8 or more digits"),
      (["--labels", "x", "ftp://h/small-01234567.pth"], "no http or https address"),
    ])
  func usage(arguments: [String], message: String) async throws {
    let outcome = try await ProgramUnderTest.run(ProgramUnderTest.url, ["pull"] + arguments)
    #expect(outcome.exitCode == 2 && outcome.errors.contains(message), "\(outcome.errors)")
  }
}
