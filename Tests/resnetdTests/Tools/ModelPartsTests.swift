import Checkpoint
import Decoding
import Foundation
import ResNet
import Testing

@Suite(.serialized) struct ModelPartsTests {
  private static let fixtures = ProgramUnderTest.repository + "/Tests/CheckpointTests/Fixtures"
  private static let publishedPath =
    ProgramUnderTest.repository + "/../shared/data/resnet20-cifar10.th"
  private static let classes =
    "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n"
  private static let contract = """
    {"resize": {"rule": "exact", "height": 40, "width": 40, "filter": "bicubic"},
     "crop": {"rule": "center", "height": 32, "width": 32}, "mean": [0, 0, 0], "std": [1, 1, 1]}
    """

  private func inspect(_ arguments: [String]) async throws -> [String: Any] {
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["inspect", "--json"] + arguments)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  @Test("inspect shows what a PyTorch file holds, and warns of what it has not")
  func described() async throws {
    let file = Self.fixtures + "/double.pt"
    let model = try #require(try await inspect([file])["model"] as? [String: Any])
    #expect(model["format"] as? String == "pytorch_stream")
    #expect(model["label_count"] as? Int == 3)
    #expect((model["version"] as? String)?.count == 64)
    let warnings = try #require(model["warnings"] as? [String])
    #expect(warnings.count == 2)
    let outcome = try await ProgramUnderTest.run("inspect", file)
    for row in [
      "format          PyTorch stream", "calibration     none", "labels          3: 0, 1, 2",
    ] {
      #expect(outcome.output.contains(row), "\(outcome.output)")
    }
    #expect(outcome.output.contains("37 tensors in double precision"))
    #expect(outcome.errors.isEmpty, "what is told twice")
  }

  @Test("A contract comes from a preset, from JSON or from a file, and sets the input size")
  func contracts() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("contract.json", Self.contract)
    for (text, height, mean) in [
      ("imagenet", 224, 0.485), ("cifar10", 32, 0.4914), (Self.contract, 32, 0),
      (file.path, 32, 0),
    ] {
      let report = try await inspect([Self.fixtures + "/zip.pth", "--preprocess", text])
      let architecture = try #require(report["architecture"] as? [String: Any])
      #expect(architecture["input_size"] as? Int == height)
      let model = try #require(report["model"] as? [String: Any])
      let preprocessing = try #require(model["preprocessing"] as? [String: Any])
      let means = try #require(preprocessing["mean"] as? [Double])
      #expect(abs(means[0] - mean) < 1e-6)
    }
  }

  @Test("inspect --contract prints a contract that gives the same one and the same answers again")
  func printedContract() async throws {
    let folder = try TemporaryFolder()
    let model = Self.fixtures + "/zip.pth"
    let first = try await ProgramUnderTest.run(
      "inspect", model, "--preprocess", Self.contract, "--contract")
    #expect(first.exitCode == 0, "\(first.errors)")
    #expect(first.output.contains("\n  \"sixteen_bit\": \"high_byte\",\n"), "\(first.output)")
    let file = try folder.file("contract.json", first.output)
    let second = try await ProgramUnderTest.run(
      "inspect", model, "--preprocess", file.path, "--contract")
    #expect(second.output == first.output)
    let labels = try folder.file("labels.txt", "a\nb\nc\n")
    var answers: [String] = []
    for contract in [Self.contract, file.path] {
      let outcome = try await ProgramUnderTest.run(
        "classify", "--model", model, "--labels", labels.path, "--preprocess", contract,
        ProgramUnderTest.sampleImage)
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      answers.append(outcome.output)
    }
    #expect(answers[0] == answers[1])
    let network = try await ProgramUnderTest.run("inspect", "resnet50", "--contract")
    #expect(network.exitCode == 1)
    #expect(network.errors.contains("resnet50 is a network without a file"))
  }

  @Test(
    "A contract that is none is one clear line",
    arguments: [
      ("{", "preprocessing contract: the JSON given"), ("{}", "resize is missing"),
      (
        "0.5",
        "numbers alone are no contract, they belong under its keys mean and std; write a preset"
      ),
      ("[0.5,0.5]", "or the whole contract as JSON, as `resnetd inspect --contract` prints"),
      ("imagenet21k", "not a preset (imagenet, imagenet-v2, imagenet-64, cifar10)"),
      (#"{"resize": {"rule": "none"}, "crop": {"rule": "none"}, "mean": [], "std": []}"#, "crop"),
    ])
  func badContracts(text: String, message: String) async throws {
    for arguments in [
      ["classify", "--preprocess", text, ProgramUnderTest.sampleImage],
      ["serve", "--port", "0", "--preprocess", text], ["inspect", "--preprocess", text],
      [
        "quantize", Self.fixtures + "/zip.pth", "--calibrate", ".", "-o", "x", "--preprocess", text,
      ],
    ] {
      let outcome = try await ProgramUnderTest.run(ProgramUnderTest.url, arguments)
      #expect(outcome.exitCode == 1)
      #expect(outcome.errors.contains(message), "\(outcome.errors)")
    }
  }

  @Test("serve logs the warnings of its model")
  func served() async throws {
    let folder = try TemporaryFolder()
    let labels = try folder.file("labels.txt", "a\nb\nc\n")
    let server = try await ServerUnderTest(
      "--model", Self.fixtures + "/double.pt", "--labels", labels.path, "--tune", "off")
    let answer = try await server.curl(
      "-T", ProgramUnderTest.sampleImage, "\(server.address)/classify")
    #expect(answer.status == 200 && answer.body.contains(#""name":"double""#))
    #expect(server.logged.contains("37 tensors in double precision are narrowed"))
  }

  @Test(
    "serve does not begin with a model that misses its golden samples, unless its contract was replaced"
  )
  func goldenSamples() async throws {
    let sound = try Model.embedded(.cifar10)
    let sample = try #require(sound.goldenSamples.first)
    let model = try Model(
      name: "unsound", graph: sound.graph, weights: sound.weights,
      Model.Contents(
        labels: sound.labels,
        preprocessing: sound.preprocessing,
        goldenSamples: [
          GoldenSample(encodedImage: sample.encodedImage, logits: sample.logits.reversed())
        ]))
    let folder = try TemporaryFolder()
    let path = folder.url.appendingPathComponent("unsound.safetensors").path
    try model.write(to: path)
    let refused = try await ProgramUnderTest.run(
      "serve", "--model", path, "--port", "0", "--tune", "off")
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains("does not compute what its file says: golden sample 0"))
    let server = try await ServerUnderTest(
      "--model", path, "--tune", "off", "--preprocess", "cifar10")
    #expect(try await server.curl("\(server.address)/readyz").status == 200)
  }

  @Test("serve does not begin with a model without golden samples that answers all images alike")
  func constantLogits() async throws {
    var model = try Model.embedded(.cifar10)
    let linear = try #require(model.weights["fc.weight"])
    model.weights["fc.weight"] = Tensor(
      shape: linear.shape, storage: [Float](repeating: 0, count: linear.elementCount))
    let folder = try TemporaryFolder()
    let path = folder.url.appendingPathComponent("constant.safetensors").path
    try Model(
      name: "constant", graph: model.graph, weights: model.weights,
      Model.Contents(
        labels: model.labels,
        preprocessing: model.preprocessing
      )
    ).write(to: path)
    let refused = try await ProgramUnderTest.run(
      "serve", "--model", path, "--port", "0", "--tune", "off")
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains("cannot classify: the network gives every image the same"))
  }

  @Test("serve says how much memory its model lacks")
  func memory() async throws {
    let outcome = try await ProgramUnderTest.run(
      "serve", "--port", "0", "--tune", "off", "--precision", "fp32", "--workers", "4",
      "--max-batch", "64", "--memory-limit", "128MiB")
    #expect(outcome.exitCode == 1)
    let advice = try #require(
      outcome.errors.firstMatch(
        of:
          /takes about \d+ bytes, \d+ are left of the memory budget of \d+; allow the server (\d+) MiB in all/
      ), "\(outcome.errors)")
    // With as much it serves, with all its workers.
    let server = try await ServerUnderTest(
      "--tune", "off", "--precision", "fp32", "--workers", "4", "--max-batch", "64",
      "--memory-limit", "\(advice.output.1)MiB")
    let answer = try await server.curl(
      "-T", ProgramUnderTest.sampleImage, "\(server.address)/classify")
    #expect(answer.status == 200, "\(answer.body)")
    #expect(!server.logged.contains("fewer workers"))
    // The parts of the line `memory` add up.
    _ = try await server.logged(/"message":"memory",.*"left":(\d+)/)
    let line = try #require(
      server.logged.firstMatch(
        of:
          /"message":"memory","limit":(\d+),"reserve":(\d+),"program":(\d+),"models":(\d+),"decoders":(\d+),"left":(\d+)/
      ), "\(server.logged)"
    ).output
    let parts = [line.2, line.3, line.4, line.5, line.6].compactMap { Int($0) }
    #expect(parts.count == 5 && parts.reduce(0, +) == Int(line.1))
    #expect(await server.stop() == 0)
  }

  @Test(
    "A worker whose decoder has no room is not started, and that is said",
    .enabled(if: Spawner.isPossible, "a sanitizer's build has no such processes"))
  func fewerWorkers() async throws {
    let server = try await ServerUnderTest(
      "--tune", "off", "--workers", "8", "--memory-limit", "192MiB")
    let sufficient = try await server.logged(
      /"workers":\d,"planned":8,"sufficient_memory_limit":"(\d+)MiB"/)
    #expect(try #require(Int(sufficient)) > 192)
    #expect(server.logged.contains("fewer workers are started"))
    let answer = try await server.curl(
      "-T", ProgramUnderTest.sampleImage, "\(server.address)/classify")
    #expect(answer.status == 200, "\(answer.body)")
    #expect(await server.stop() == 0)
  }

  @Test(
    "The published ResNet-20 gives the right class by itself, with its labels",
    .enabled(
      if: FileManager.default.fileExists(atPath: publishedPath), "\(publishedPath) is absent"))
  func published() async throws {
    let folder = try TemporaryFolder()
    let labels = try folder.file("labels.txt", Self.classes)
    let outcome = try await ProgramUnderTest.run(
      "classify", "--model", Self.publishedPath, "--labels", labels.path, "--top-k", "1",
      ProgramUnderTest.sampleImage)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("ship"))
    let two = try folder.file("two.txt", "cat\ndog\n")
    let refused = try await ProgramUnderTest.run(
      "classify", "--model", Self.publishedPath, "--labels", two.path,
      ProgramUnderTest.sampleImage)
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains("2 labels for a network with 10 classes"))
  }
}
