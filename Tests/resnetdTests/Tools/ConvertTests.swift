import Checkpoint
import Foundation
import HostileFiles
import ONNX
import Testing
import resnetd

@Suite(.serialized) struct ConvertTests {
  private static let embedded =
    ProgramUnderTest.repository + "/Sources/CEmbeddedModels/resnet20-cifar10.safetensors"

  private func classify(_ model: String, _ options: String...) async throws -> String {
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      ["classify", "--json", "--precision", "fp32", "--model", model] + options
        + [ProgramUnderTest.sampleImage])
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    // The version, which is the file's, is left out.
    return outcome.output.replacing(/"version": ?"[0-9a-f]+"/, with: "")
  }

  @Test("A plain copy needs the labels again, and a native copy of that one needs nothing")
  func roundTrip() async throws {
    let folder = try TemporaryFolder()
    let plain = folder.url.appendingPathComponent("plain.safetensors").path
    let native = folder.url.appendingPathComponent("native.safetensors").path
    let toPlain = try await ProgramUnderTest.run(
      "convert", "--to", "plain", Self.embedded, plain)
    #expect(toPlain.exitCode == 0, "\(toPlain.errors)")
    let unlabelled = try await ProgramUnderTest.run("convert", plain, native)
    #expect(unlabelled.exitCode == 1)
    #expect(unlabelled.errors.contains("--labels"))
    #expect(!FileManager.default.fileExists(atPath: native))

    let labels = try folder.file(
      "labels.txt",
      "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n")
    let inspected = try await ProgramUnderTest.run("inspect", "--json", Self.embedded)
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(inspected.output.utf8)) as? [String: Any])
    let model = try #require(report["model"] as? [String: Any])
    let contract = try JSONSerialization.data(
      withJSONObject: try #require(model["preprocessing"]))
    let preprocessing = try folder.file("contract.json", String(decoding: contract, as: UTF8.self))
    let toNative = try await ProgramUnderTest.run(
      "convert", plain, native, "--labels", labels.path, "--preprocess", preprocessing.path,
      "--name", "resnet20-cifar10")
    #expect(toNative.exitCode == 0, "\(toNative.errors)")
    #expect(try await classify(native) == classify(Self.embedded))
  }

  @Test("Half precision keeps the answer, and proves itself by the images that were named")
  func halfPrecision() async throws {
    let folder = try TemporaryFolder()
    let narrow = folder.url.appendingPathComponent("narrow.safetensors").path
    let converted = try await ProgramUnderTest.run(
      "convert", Self.embedded, narrow, "--dtype", "f16", "--golden",
      ProgramUnderTest.sampleImage, "--provenance", #"{"licence": "MIT", "accuracy": 0.5}"#)
    #expect(converted.exitCode == 0, "\(converted.errors)")
    let inspected = try await ProgramUnderTest.run("inspect", "--json", narrow)
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(inspected.output.utf8)) as? [String: Any])
    let model = try #require(report["model"] as? [String: Any])
    #expect(model["golden_sample_count"] as? Int == 1)
    let provenance = try #require(model["provenance"] as? [String: Any])
    #expect(provenance["licence"] as? String == "MIT" && provenance["accuracy"] as? Double == 0.5)
    #expect((provenance["data"] as? String)?.hasPrefix("CIFAR-10") == true)
    let classified = try await ProgramUnderTest.run(
      "classify", "--model", narrow, ProgramUnderTest.sampleImage)
    #expect(classified.output.split(separator: "\n").first?.hasSuffix("ship") == true)
    // A model that misses its golden samples would not be served.
    let server = try await ServerUnderTest("--model", narrow, "--precision", "fp32")
    #expect(await server.stop() == 0)
  }

  @Test(
    "What a form has no place for is refused, and so is what is not understood",
    arguments: [
      (["--dtype", "f16", "OUT.onnx"], "the ONNX graph is in single precision"),
      (["--to", "plain", "--golden", "x.jpg", "OUT"], "--golden is for native files"),
      (["--provenance", #"{"license": "MIT"}"#, "OUT"], "did you mean licence?"),
      (["--provenance", #"{"accuracy": 88}"#, "OUT"], "a share from 0 to 1"),
      (["--golden", "/nonexistent.jpg", "OUT"], "--golden: cannot open /nonexistent.jpg"),
    ])
  func refusedParts(arguments: [String], message: String) async throws {
    let folder = try TemporaryFolder()
    let output = folder.url.appendingPathComponent("x.safetensors").path
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      ["convert", Self.embedded]
        + arguments.map {
          $0 == "OUT" ? output : $0 == "OUT.onnx" ? output + ".onnx" : $0
        })
    #expect(outcome.exitCode != 0)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: output))
  }

  @Test("An embedded model is written by pull, and named wherever a file could be")
  func embeddedModel() async throws {
    let folder = try TemporaryFolder()
    let output = folder.url.appendingPathComponent("x.safetensors").path
    let pulled = try await ProgramUnderTest.run("pull", "resnet20-cifar10", "-o", output)
    #expect(pulled.exitCode == 0 && pulled.output.contains("10 classes"), "\(pulled.errors)")
    #expect(
      FileManager.default.contentsEqual(atPath: output, andPath: Self.embedded))
    let refused = try await ProgramUnderTest.run(
      "pull", "resnet20-cifar10", "--labels", "x", "-o", output, "--force")
    #expect(refused.exitCode == 2 && refused.errors.contains("is part of the program"))
    for command in [["classify", "--model"], ["evaluate", "--model"]] {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url, command + ["resnet20-cifar01", ProgramUnderTest.sampleImage])
      #expect(outcome.exitCode == 1 && outcome.errors.contains("resnet20-cifar10"))
    }
    #expect(try await classify("resnet20-cifar10") == classify(Self.embedded))
    let inspected = try await ProgramUnderTest.run("inspect", "resnet20-cifar10")
    #expect(inspected.output.contains("resnet20-cifar10, 32x32 pixels, 10 classes"))
  }

  @Test("Without a model, the usual embedded one answers with names that people use")
  func usualModel() async throws {
    let image = ProgramUnderTest.repository + "/docs/sample.jpg"
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["classify", image],
      environment: ["RESNETD_MODEL": EmbeddedModel.usual.name])
    #expect(outcome.output.split(separator: "\n").first?.hasSuffix("school bus") == true)
    let server = try await ServerUnderTest("--model", EmbeddedModel.usual.name)
    let answer = try await server.curl("-T", image, "\(server.address)/classify")
    #expect(answer.status == 200 && answer.body.contains(#""label":"school bus""#))
    #expect(await server.stop() == 0)
  }

  @Test(
    "Nothing is written under the name of another format",
    arguments: [
      (
        ["x.pth"],
        "call it x.safetensors; PyTorch reads what convert --to plain writes by safetensors.torch"
      ),
      (["--to", "plain", "a/model.v2.BIN"], "call it model.v2.safetensors; PyTorch"),
      (["--to", "native", "x.onnx"], "call it x.safetensors; or leave --to out to write ONNX"),
      (["--to", "onnx", "x.safetensors"], "OUT would hold ONNX, and"),
      (["--to", "onnx", "x.pb"], "call it x.onnx; safetensors and ONNX are what is written"),
    ])
  func endings(arguments: [String], expected: String) async throws {
    let folder = try TemporaryFolder()
    var arguments = arguments
    arguments[arguments.count - 1] = folder.url.appendingPathComponent(arguments.last ?? "").path
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["convert", Self.embedded] + arguments)
    #expect(outcome.exitCode == 2)
    #expect(outcome.errors.contains(expected), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: arguments.last ?? ""))
  }

  @Test("An ONNX network becomes a model file that needs nothing and answers as it did")
  func onnx() async throws {
    let folder = try TemporaryFolder()
    let network = ProgramUnderTest.repository + "/Tests/CheckpointTests/Fixtures/basic-13.onnx"
    let native = folder.url.appendingPathComponent("native.safetensors").path
    let plain = folder.url.appendingPathComponent("plain.safetensors").path
    let labels = try folder.file("labels.txt", "ant\nbee\ncat\ndog\nemu\n").path
    let unlabelled = try await ProgramUnderTest.run("convert", network, native)
    #expect(unlabelled.exitCode == 1 && unlabelled.errors.contains("--labels"))
    let converted = try await ProgramUnderTest.run("convert", network, native, "--labels", labels)
    #expect(converted.exitCode == 0, "\(converted.errors)")
    #expect(try await classify(native) == classify(network, "--labels", labels))
    let inspected = try await ProgramUnderTest.run("inspect", native)
    #expect(inspected.output.contains("a graph of its own"))
    #expect(inspected.output.contains("5: ant, bee, cat, dog, emu"))

    let refused = try await ProgramUnderTest.run("convert", "--to", "plain", native, plain)
    #expect(refused.exitCode == 1 && refused.errors.contains("not quite such"))
    #expect(refused.errors.contains("write it as onnx for other tools"))
    #expect(!FileManager.default.fileExists(atPath: plain))
  }

  @Test("A model file goes to ONNX and comes back with everything that it can carry")
  func export() async throws {
    let folder = try TemporaryFolder()
    let path = { folder.url.appendingPathComponent($0).path }
    let exported = try await ProgramUnderTest.run("convert", Self.embedded, path("m.onnx"))
    #expect(exported.exitCode == 0, "\(exported.errors)")
    #expect(exported.errors.contains("golden samples are left out"))
    #expect(try await classify(path("m.onnx")) == classify(Self.embedded))
    let back = try await ProgramUnderTest.run("convert", path("m.onnx"), path("m.safetensors"))
    #expect(back.exitCode == 0, "\(back.errors)")
    #expect(back.errors == "resnetd convert: written: \(path("m.safetensors"))\n")
    #expect(try await classify(path("m.safetensors")) == classify(Self.embedded))

    // All forms of plain weights lead to the same file.
    let plain = try await ProgramUnderTest.run(
      "convert", "--to", "plain", path("m.onnx"), path("plain.safetensors"))
    #expect(plain.exitCode == 0, "\(plain.errors)")
    let direct = try await ProgramUnderTest.run(
      "convert", "--to", "plain", Self.embedded, path("direct.safetensors"))
    #expect(direct.exitCode == 0, "\(direct.errors)")
    #expect(
      FileManager.default.contentsEqual(
        atPath: path("plain.safetensors"), andPath: path("direct.safetensors")))

    // The form that is named wins over the ending.
    let named = try await ProgramUnderTest.run(
      "convert", "--to", "onnx", path("m.safetensors"), path("named"))
    #expect(named.exitCode == 0, "\(named.errors)")
    #expect(FileManager.default.contentsEqual(atPath: path("named"), andPath: path("m.onnx")))
  }

  @Test("Known logits find the variant of a network, and refuse what none gives")
  func check() async throws {
    let folder = try TemporaryFolder()
    func path(_ name: String) -> String { folder.url.appendingPathComponent(name).path }
    func run(_ arguments: String...) async throws -> ProgramUnderTest.Outcome {
      try await ProgramUnderTest.run(ProgramUnderTest.url, arguments)
    }
    #expect(
      try await run("convert", "--to", "plain", Self.embedded, path("plain.safetensors")).exitCode
        == 0)
    let numbers: [Double] = (0..<3 * 32 * 32).map { index in
      let step = (index * 37) % 101
      return Double(step) / 50 - 1
    }
    try Data(NPYFile.bytes(DenseTensor(.float, [1, 3, 32, 32], numbers))).write(
      to: URL(fileURLWithPath: path("x.npy")))
    // The logits of another network with the same tensors.
    let known = try await run(
      "run", "--engine", "--arch", "epsilon=0.001", path("plain.safetensors"), "--input",
      path("x.npy"), "-o", path("y.npy"))
    #expect(known.exitCode == 0, "\(known.errors)")
    let labels = try folder.file(
      "labels.txt", (0..<10).map(String.init).joined(separator: "\n")
    ).path
    let found = try await run(
      "convert", "--check", path("x.npy"), path("y.npy"), "--labels", labels,
      path("plain.safetensors"), path("found.safetensors"))
    #expect(found.exitCode == 0)
    #expect(found.errors.contains("the network is --arch epsilon=0.001\n"), "\(found.errors)")
    let written = try await run(
      "run", "--engine", path("found.safetensors"), "--input", path("x.npy"), "-o", path("z.npy"))
    #expect(written.exitCode == 0, "\(written.errors)")
    #expect(FileManager.default.contentsEqual(atPath: path("y.npy"), andPath: path("z.npy")))

    // Images are not logits of anything.
    try Data(NPYFile.bytes(DenseTensor(.float, [1, 10], Array(numbers.prefix(10))))).write(
      to: URL(fileURLWithPath: path("y.npy")))
    let refused = try await run(
      "convert", "--check", path("x.npy"), path("y.npy"), "--labels", labels,
      path("plain.safetensors"), path("none.safetensors"))
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains("no variant gives the logits of"), "\(refused.errors)")
    #expect(!FileManager.default.fileExists(atPath: path("none.safetensors")))
    let alone = try await run("convert", "in", "out", "--check", "x.npy")
    #expect(alone.exitCode == 2)
    #expect(alone.errors.contains("--check needs 2 values: X.npy Y.npy"), "\(alone.errors)")
  }

  @Test("Known probabilities are compared with the softmax, over all images")
  func checkProbabilities() async throws {
    let folder = try TemporaryFolder()
    func path(_ name: String) -> String { folder.url.appendingPathComponent(name).path }
    func write(_ shape: [Int], _ numbers: [Double], _ name: String) throws {
      try Data(NPYFile.bytes(DenseTensor(.float, shape, numbers))).write(
        to: URL(fileURLWithPath: path(name)))
    }
    let imageCount = 3
    let numbers: [Double] = (0..<imageCount * 3 * 32 * 32).map { index in
      let step = (index * 37) % 101
      return Double(step) / 50 - 1
    }
    try write([imageCount, 3, 32, 32], numbers, "x.npy")
    let known = try await ProgramUnderTest.run(
      "run", "--engine", Self.embedded, "--input", path("x.npy"), "-o", path("logits.npy"))
    #expect(known.exitCode == 0, "\(known.errors)")
    let logits = try NPYFile.read(
      [UInt8](Data(contentsOf: URL(fileURLWithPath: path("logits.npy")))))
    guard case .floating(let rows) = logits.numbers else { throw CancellationError() }
    var probabilities = stride(from: 0, to: rows.count, by: 10).flatMap { start in
      let powers = rows[start..<start + 10].map { exp($0) }
      return powers.map { $0 / powers.reduce(0, +) }
    }
    try write([imageCount, 10], probabilities, "y.npy")
    func check() async throws -> ProgramUnderTest.Outcome {
      try await ProgramUnderTest.run(
        "convert", "--force", "--check", path("x.npy"), path("y.npy"), Self.embedded,
        path("out.safetensors"))
    }
    let found = try await check()
    #expect(found.exitCode == 0, "\(found.errors)")
    #expect(found.errors.contains("y.npy sum to 1: they are taken as probabilities"))
    #expect(found.errors.contains("the probabilities agree, the largest difference is"))
    // The last image alone is another one's, so that the first does not rule it out.
    probabilities.replaceSubrange(20..<30, with: [Double](repeating: 0.1, count: 10))
    try write([imageCount, 10], probabilities, "y.npy")
    let refused = try await check()
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains("no variant gives the probabilities of"), "\(refused.errors)")
    // What is no number agrees with nothing.
    try write([imageCount, 3, 32, 32], numbers.map { _ in 3e38 }, "x.npy")
    try write([imageCount, 10], [Double](repeating: 0.5, count: 30), "y.npy")
    let infinite = try await check()
    #expect(infinite.exitCode == 1, "\(infinite.errors)")
  }

  @Test("Known outputs say which output has the classes, and what its numbers mean")
  func checkMeaning() async throws {
    let folder = try TemporaryFolder()
    func path(_ name: String) -> String { folder.url.appendingPathComponent(name).path }
    func write(_ shape: [Int], _ numbers: [Double], _ name: String) throws {
      try Data(NPYFile.bytes(DenseTensor(.float, shape, numbers))).write(
        to: URL(fileURLWithPath: path(name)))
    }
    let labels = try folder.file(
      "labels.txt", (0..<10).map(String.init).joined(separator: "\n")
    ).path
    var bare = ModelFile.classifier
    bare.metadata = []
    var ended = bare
    ended.nodes.append(.init(operation: "Tanh", name: "end", inputs: ["y"], outputs: ["z"]))
    ended.outputs = [("z", 1, [nil, 10])]
    var doubled = ended
    doubled.outputs = [("p", 1, [nil, 4, 1, 1]), ("z", 1, [nil, 10]), ("y", 1, [nil, 10])]
    for (file, name) in [(bare, "bare.onnx"), (ended, "ended.onnx"), (doubled, "doubled.onnx")] {
      try Data(file.bytes).write(to: URL(fileURLWithPath: path(name)))
    }
    let numbers: [Double] = (0..<2 * 3 * 32 * 32).map { index in
      let step = (index * 37) % 101
      return Double(step) / 50
    }
    try write([2, 3, 32, 32], numbers, "x.npy")
    func outputs(of name: String) async throws -> [Double] {
      let known = try await ProgramUnderTest.run(
        "run", path(name), "--input", path("x.npy"), "-o", path("known.npy"))
      #expect(known.exitCode == 0, "\(known.errors)")
      return try NPYFile.read([UInt8](Data(contentsOf: URL(fileURLWithPath: path("known.npy")))))
        .doubles
    }
    func check(_ name: String, _ known: [Double]) async throws -> (String, Model) {
      try write([2, 10], known, "y.npy")
      let outcome = try await ProgramUnderTest.run(
        "convert", "--force", "--check", path("x.npy"), path("y.npy"), "--labels", labels,
        path(name), path("out.safetensors"))
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      return (outcome.errors, try Model.load(path: path("out.safetensors")))
    }
    func sigmoid(_ numbers: [Double]) -> [Double] {
      numbers.map { (number: Double) -> Double in 1 / (1 + exp(-number)) }
    }
    let logits = try await outputs(of: "bare.onnx")
    let scores = try await outputs(of: "ended.onnx")

    let (none, scoring) = try await check("ended.onnx", scores)
    #expect(none.contains("are read with --activation none, as scores"), "\(none)")
    #expect(scoring.output.activation == .none)
    let (one, shares) = try await check("ended.onnx", sigmoid(scores))
    #expect(one.contains("are read with --activation sigmoid\n"), "\(one)")
    #expect(shares.output.activation == .sigmoid)
    let (other, independent) = try await check("bare.onnx", sigmoid(logits))
    #expect(other.contains("compared with the sigmoid of each logit"), "\(other)")
    #expect(independent.output.activation == .sigmoid)
    let (named, first) = try await check("doubled.onnx", logits)
    #expect(named.contains("the output that agrees is --output-name y\n"), "\(named)")
    #expect(first.output.activation == .softmax)
    let (last, second) = try await check("doubled.onnx", scores)
    #expect(last.contains("--output-name z\n") && last.contains("--activation none"), "\(last)")
    #expect(second.output.activation == .none)

    try write([2, 10], logits.map { 1 - $0 }, "y.npy")
    let refused = try await ProgramUnderTest.run(
      "convert", "--check", path("x.npy"), path("y.npy"), "--labels", labels, path("ended.onnx"),
      path("none.safetensors"))
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains("no variant gives the"), "\(refused.errors)")
    #expect(!refused.errors.contains("trying up to"), "\(refused.errors)")
  }

  @Test("Two files are named, no more and no fewer")
  func usage() async throws {
    #expect(try await ProgramUnderTest.run("convert", Self.embedded).exitCode == 2)
  }
}
