import Foundation
import ONNX
import Testing
import resnetd

/// Which outputs `resnetd run` writes into which files.
@Suite(.serialized) struct RunOutputTests {
  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("CheckpointTests/Fixtures")

  private struct Answer: Decodable {
    let size: Int
    let features: [Double]
  }

  /// Runs a fixture on its image twice; `@` in arguments is the folder of the outputs.
  private func run(
    _ name: String, _ arguments: [String], in folder: TemporaryFolder
  ) async throws -> ProgramUnderTest.Outcome {
    let size = try answer(name).size
    let count = 3 * size * size
    let values = (0..<2 * count).map { Double($0 % count * 7919 % 257) / 128 - 1 }
    let images = folder.url.appendingPathComponent("x.npy")
    try Data(NPYFile.bytes(DenseTensor(.float, [2, 3, size, size], values))).write(to: images)
    return try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      ["run", Self.fixtures.appendingPathComponent("\(name).onnx").path, "--input", images.path]
        + Self.contract(size: size)
        + arguments.map { $0.replacing("@", with: folder.url.path + "/") })
  }

  private static func contract(size: Int) -> [String] {
    [
      "--preprocess",
      #"{"resize": {"rule": "exact", "height": \#(size), "width": \#(size), "filter": "bilinear"}, "#
        + #""mean": [0, 0, 0], "std": [1, 1, 1]}"#,
    ]
  }

  private func answer(_ name: String) throws -> Answer {
    let answers = try JSONDecoder().decode(
      [String: Answer].self,
      from: Data(contentsOf: Self.fixtures.appendingPathComponent("onnx-features.json")))
    return try #require(answers[name])
  }

  private func array(_ name: String, in folder: TemporaryFolder) throws -> DenseTensor {
    try NPYFile.read([UInt8](Data(contentsOf: folder.url.appendingPathComponent(name))))
  }

  @Test("Each name gets its own output: logits, features, a module")
  func names() async throws {
    let folder = try TemporaryFolder()
    let outcome = try await run(
      "timm-d",
      [
        "--engine", "-o", "features=@f.npy", "-o", "layer3=@m.npy", "-o", "@logits.npy", "-o",
        "global_pool=@a=b.npy",
      ], in: folder)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let expected = try answer("timm-d").features
    let features = try array("f.npy", in: folder)
    #expect(features.elementType == .float && features.shape == [2, expected.count])
    let largest = try #require(expected.map(abs).max())
    for (index, value) in features.doubles.enumerated() {
      #expect(abs(value - expected[index % expected.count]) <= 1e-4 * largest)
    }
    #expect(try array("logits.npy", in: folder).shape == [2, 5])
    #expect(try array("a=b.npy", in: folder) == features)
    let map = try array("m.npy", in: folder)
    #expect(map.shape == [2, 16, 3, 3])
  }

  @Test(
    "A name that does not exist is refused with those that do, and nothing is written",
    arguments: [
      (["--engine", "-o", "layr4=@y.npy"], 1, "has no output layr4; did you mean layer4?"),
      (["--engine", "-o", "layer3.9=@y.npy"], 1, "layer3 has layer3.0, layer3.1;"),
      (["--engine", "-o", "@a=y.npy"], 1, "needs NAME= before it"),
      (["--engine", "-o", "@y.npy", "-o", "logits=@y.npy"], 2, "two files for the output logits"),
      (["-o", "layer4=@y.npy"], 1, "has no output layer4; it has logits, and any of"),
    ])
  func refusals(arguments: [String], exitCode: Int32, text: String) async throws {
    let folder = try TemporaryFolder()
    let outcome = try await run("timm-d", arguments, in: folder)
    #expect(outcome.exitCode == exitCode && outcome.errors.contains(text), "\(outcome.errors)")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    #expect(files == ["x.npy"])
  }

  @Test("Without the engine, results between the nodes have names too")
  func tensors() async throws {
    let folder = try TemporaryFolder()
    let tensor = "/global_pool/flatten/Flatten_output_0"
    let outcome = try await run("timm-d", ["-o", "\(tensor)=@f.npy"], in: folder)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let expected = try answer("timm-d").features
    let found = try array("f.npy", in: folder)
    #expect(found.shape == [2, expected.count])
    for (index, value) in found.doubles.enumerated() {
      #expect(abs(value - expected[index % expected.count]) <= 1e-4)
    }
  }
}
