import Foundation
import HostileFiles
import ScriptedServer
import Testing

@Suite(.serialized) struct ServeTests {
  private let image = ProgramUnderTest.sampleImage

  @Test("curl's ways of sending an image all give the same answer")
  func curl() async throws {
    let server = try await ServerUnderTest()
    let target = "\(server.address)/classify"
    let first = try await server.curl("-T", image, target)
    #expect(first.status == 200 && first.body.contains(#""label":"ship""#))
    for arguments in [
      ["--data-binary", "@\(image)"], ["-F", "image=@\(image)"], ["-F", "photo=@\(image)"],
      ["-F", "image=<\(image)"], ["-F", "upload=@\(image);type=text/plain", "-F", "top_k=5"],
      ["-H", "Transfer-Encoding: chunked", "--data-binary", "@\(image)"],
      ["-H", "Expect: 100-continue", "-T", image],
    ] {
      let outcome = try await ProgramUnderTest.run(
        URL(fileURLWithPath: "/usr/bin/curl"), ["-s", "--max-time", "30", target] + arguments)
      #expect(outcome.output == first.body)
    }
    let two = try await server.curl("-F", "image=@\(image)", "-F", "image=@\(#filePath)", target)
    #expect(two.status == 200 && two.body.contains("unsupported-image"))
    #expect(await server.stop() == 0)
    #expect(server.logged.contains(#""status":200"#))
  }

  @Test("JSON is read as programs write it and under whatever type curl gives it")
  func json() async throws {
    let server = try await ServerUnderTest()
    let target = "\(server.address)/classify"
    let first = try await server.curl("-T", image, target)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: image))
    let plain = bytes.base64EncodedString()
    let wrapped = bytes.base64EncodedString(options: [
      .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
    ])
    let forURLs = plain.replacing("+", with: "-").replacing("/", with: "_").prefix { $0 != "=" }
    let folder = try TemporaryFolder()
    for text in [plain, wrapped, String(forURLs), "data:image/jpeg;base64,\(wrapped)"] {
      let body = try JSONSerialization.data(withJSONObject: ["image": text, "top_k": 5])
      let file = try folder.file("body", String(decoding: body, as: UTF8.self)).path
      for arguments in [
        ["--json", "@\(file)"], ["-d", "@\(file)"], ["-T", file],
        ["-H", "Content-Type: text/plain", "-d", "@\(file)"],
        ["-H", "Content-Type: application/octet-stream", "-d", "@\(file)"],
        ["-H", "Content-Type:", "-d", "@\(file)"],
      ] {
        let answer = try await server.curl([target] + arguments)
        #expect(answer.status == 200 && answer.body == first.body, "\(arguments)")
      }
    }
    #expect(await server.stop() == 0)
  }

  @Test("Both signals end an idle server in order", arguments: [SIGTERM, SIGINT])
  func signals(signal: Int32) async throws {
    let server = try await ServerUnderTest()
    #expect(await server.stop(signal) == 0)
    #expect(server.logged.contains(#""message":"stopped""#))
  }

  /// Makes a network that computes for seconds for each image, in little memory.
  private func slowModel(in folder: TemporaryFolder) throws -> String {
    var file = ModelFile.classifier
    file.inputs[0].shape = [nil, 3, 224, 224]
    let (side, count) = (Int64(31), 2000)
    for index in 0..<count {
      file.nodes.insert(
        .init(
          operation: "MaxPool", name: "max\(index)",
          inputs: [index == 0 ? "r" : "m\(index - 1)"], outputs: ["m\(index)"],
          attributes: [
            ModelFile.integers("kernel_shape", [side, side]),
            ModelFile.integers("pads", [Int64](repeating: side / 2, count: 4)),
          ]), at: 3 + index)
    }
    file.nodes[3 + count].inputs = ["m\(count - 1)"]
    let path = folder.url.appendingPathComponent("slow.onnx")
    try Data(file.bytes).write(to: path)
    return path.path
  }

  @Test("Told to stop before it has a model it ends, whatever it computes")
  func stopBeforeReady() async throws {
    let folder = try TemporaryFolder()
    let server = try await ServerUnderTest(
      options: ["--model", slowModel(in: folder), "--preprocess", "imagenet", "--tune", "off"],
      until: /"message":"plan: (\d+) worker/)
    #expect(await server.stop() == 0)
    #expect(server.logged.contains(#""message":"stopped before a model was ready""#))
  }

  @Test("Readiness fails first while requests are still served; a second signal ends at once")
  func draining() async throws {
    let server = try await ServerUnderTest("--drain-delay", "1m")
    kill(server.process.processIdentifier, SIGTERM)
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    while try await server.curl("\(server.address)/readyz").status != 503 {
      guard ContinuousClock.now < deadline else {
        Issue.record("readiness did not fail")
        return
      }
    }
    #expect(try await server.curl("\(server.address)/livez").status == 200)
    #expect(try await server.curl("-T", image, "\(server.address)/classify").status == 200)
    #expect(await server.stop(SIGINT) == 128 + SIGINT)
  }

  @Test("The plan is one line, and what is set by hand is in it")
  func plan() async throws {
    let server = try await ServerUnderTest(
      "--workers", "3", "--max-batch", "5", "--max-queue-delay", "2ms",
      environment: ["RESNETD_THREADS": "2"])
    #expect(
      server.logged.contains(
        "plan: 3 workers of 1 thread, batches up to 5, waiting 2.0 ms for them, "
          + "a lone image on 2 threads (given)"))
    #expect(try await server.curl("-T", image, "\(server.address)/classify").status == 200)
    #expect(await server.stop() == 0)
  }

  @Test("A measured plan is kept in the user's folder for caches, that of a busy machine nowhere")
  func planCache() async throws {
    let folder = try TemporaryFolder()
    func start() async throws -> String {
      let server = try await ServerUnderTest(environment: ["HOME": folder.url.path])
      #expect(await server.stop() == 0)
      return server.logged
    }
    let first = try await start()
    let isMeasured = first.contains("(measured in")
    #expect(isMeasured || first.contains("(by rule, for "))
    #expect(first.contains(isMeasured ? #""kept":"yes""# : #""kept":"no""#))
    let kept = try? FileManager.default.contentsOfDirectory(
      atPath: folder.url.path + "/.cache/resnetd")
    #expect((kept ?? []).count == (isMeasured ? 1 : 0))
    if isMeasured { #expect(try await start().contains("(measured before")) }
    let server = try await ServerUnderTest("--tune", "off", "--plan-cache", "/proc/none")
    #expect(server.logged.contains("(by rule)"))
  }

  @Test("A limit of memory that does not hold the program, or the model, is one clear line")
  func memoryLimit() async throws {
    let program = try await ProgramUnderTest.run("serve", "--memory-limit", "64MiB")
    #expect(program.exitCode == 1)
    #expect(program.errors.contains("the memory limit is 67108864 bytes"))
    #expect(program.errors.split(separator: "\n").count == 1)
    let server = try await ServerUnderTest("--memory-limit", "256MiB")
    #expect(try await server.logged(/"message":"memory","limit":(\d+)/) == "268435456")
    #expect(
      try await server.curl("-T", ProgramUnderTest.sampleImage, "\(server.address)/classify")
        .status
        == 200)
    #expect(await server.stop() == 0)
  }

  @Test("A port in use is one clear line and exit code 1")
  func portInUse() async throws {
    let server = try await ServerUnderTest()
    let outcome = try await ProgramUnderTest.run("serve", "--port", String(server.port))
    #expect(outcome.exitCode == 1)
    #expect(outcome.errors.contains("port \(server.port) on 127.0.0.1 is in use"))
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }

  @Test("healthcheck tells a ready server from none")
  func healthcheck() async throws {
    let server = try await ServerUnderTest()
    let port = String(server.port)
    #expect(try await ProgramUnderTest.run("healthcheck", "--port", port).exitCode == 0)
    let wrongPath = try await ProgramUnderTest.run(
      "healthcheck", "--port", port, "--path", "/nothing")
    #expect(wrongPath.exitCode == 1 && wrongPath.errors.contains("404"))
    #expect(await server.stop() == 0)
    let gone = try await ProgramUnderTest.run("healthcheck", "--port", port)
    #expect(gone.exitCode == 1)
    #expect(gone.errors.contains("127.0.0.1 port \(port): Connection refused"), "\(gone.errors)")
  }

  @Test("healthcheck says why a server is not ready")
  func reason() async throws {
    let document =
      #"{"type":"urn:resnetd:problem:starting","detail":"loading the model\u001b[0m","status":503}"#
    let head = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: \(document.utf8.count)\r\n\r\n"
    let server = try ScriptedServer(answering: head + document)
    let port = try #require(server.address.split(separator: ":").last.map(String.init))
    let outcome = try await ProgramUnderTest.run("healthcheck", "--port", port)
    #expect(outcome.exitCode == 1 && outcome.output.isEmpty)
    #expect(
      outcome.errors == "resnetd healthcheck: /readyz answers 503: loading the model\\u{1B}[0m\n",
      "\(outcome.errors)")
  }
}
