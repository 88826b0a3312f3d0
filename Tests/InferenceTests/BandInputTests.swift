import Checkpoint
import Classifying
import Decoding
import Engine
import Foundation
import Imaging
import Inference
import Testing

/// A network with four input channels, from CheckpointTests/Fixtures/make-bands.py, and PyTorch's
/// logits of a TIFF whose bands Pillow resized.
@Suite struct BandInputTests {
  private struct Answer: Decodable {
    let image: String
    let size: Int
    let mean: [Float]
    let std: [Float]
    let logits: [Float]
  }

  private static let tests = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
  private static let files = ["bands.pth", "bands-17.onnx", "bands-last-17.onnx"]

  private static func bytes(_ path: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: tests.appending(path: path)))
  }

  private static func answer() throws -> Answer {
    try JSONDecoder().decode(
      Answer.self, from: Data(try bytes("CheckpointTests/Fixtures/bands.json")))
  }

  private static func model(_ file: String, _ contract: Preprocessing?) throws -> Model {
    var options = ModelOptions(labels: ["a", "b", "c", "d", "e"])
    options.preprocessing = contract
    return try Model.load(
      path: tests.path + "/CheckpointTests/Fixtures/" + file, options: options)
  }

  private static func contract(_ answer: Answer) throws -> Preprocessing {
    try Preprocessing(
      resize: .exact(height: answer.size, width: answer.size, filter: .bilinear), crop: .none,
      channelOrder: .bands, mean: answer.mean, std: answer.std, range: .word, policies: .forBands)
  }

  private static func written(_ model: Model) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try model.write { part throws(CheckpointError) in
      bytes += unsafe part.withUnsafeBytes { unsafe [UInt8]($0) }
    }
    return bytes
  }

  @Test(
    "A network of four bands gives PyTorch's logits, from each file and from what convert writes",
    .enabled(if: CodecVersions.areInstalled(for: .tiff)), arguments: files)
  func parity(file: String) throws {
    let answer = try Self.answer()
    let loaded = try Self.model(file, try Self.contract(answer))
    let read = try Model.load(bytes: try Self.written(loaded), fileName: "bands.safetensors")
    #expect(read.preprocessing == loaded.preprocessing)
    let exported = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-bands-\(UUID().uuidString).onnx")
    defer { try? FileManager.default.removeItem(at: exported) }
    try loaded.writeONNX(to: exported.path, programVersion: "test")
    let back = try Model.load(path: exported.path)
    #expect(back.preprocessing == loaded.preprocessing)
    for model in [loaded, read, back] {
      let classifier = try Classifier(CompiledModel(model), limits: DecodingLimits())
      let logits = try classifier.logits(try Self.bytes(answer.image))
      #expect(logits.count == answer.logits.count)
      for (found, expected) in zip(logits, answer.logits) {
        #expect(abs(found - expected) < 1e-4)
      }
    }
  }

  @Test(
    "A golden sample may be a TIFF with bands, and is checked like any other",
    .enabled(if: CodecVersions.areInstalled(for: .tiff)))
  func goldenSample() throws {
    let answer = try Self.answer()
    let plain = try Self.model("bands.pth", try Self.contract(answer))
    let image = try Self.bytes(answer.image)
    func fault(_ logits: [Float]) throws -> GoldenCheck.Fault? {
      let model = try Model(
        name: "bands", graph: plain.graph, weights: plain.weights,
        Model.Contents(
          labels: plain.labels, preprocessing: plain.preprocessing,
          goldenSamples: [GoldenSample(encodedImage: image, logits: logits)]))
      let read = try Model.load(bytes: try Self.written(model), fileName: "golden.safetensors")
      #expect(read.goldenSamples.count == 1)
      return try GoldenCheck(
        CompiledModel(read), by: LocalDecoders().makeDecoder(),
        limits: GoldenCheck.Limits(
          decoding: DecodingLimits(), decodingTimeout: .seconds(60), provingTimeout: nil),
        imageCount: 1
      ).fault(read.goldenSamples, images: [])
    }
    #expect(try fault(answer.logits) == nil)
    #expect(try fault(answer.logits.map { $0 + 0.1 })?.reason.contains("golden sample 0") == true)
  }

  @Test("In bfloat16 the logits stay near", .enabled(if: CodecVersions.areInstalled(for: .tiff)))
  func lowerPrecision() throws {
    guard Precision.bf16.isSupported else { return }
    let answer = try Self.answer()
    let model = try CompiledModel(
      try Self.model("bands.pth", try Self.contract(answer)), precision: .bf16)
    let logits = try Classifier(model, limits: DecodingLimits()).logits(
      try Self.bytes(answer.image))
    for (found, expected) in zip(logits, answer.logits) { #expect(abs(found - expected) < 0.03) }
  }

  @Test("Without a contract, or with one of other channels, it is refused with what to write")
  func refusals() throws {
    let answer = try Self.answer()
    let remedy =
      #"mean and std have 4 numbers each, one for each band: give --preprocess '{"resize": {"rule": "exact", "#
    for file in ["bands.pth", "bands-17.onnx"] {
      #expect {
        _ = try Self.model(file, nil)
      } throws: { error in
        "\(error)".contains(
          "the network's images have 4 channels, and nothing says how they are prepared; " + remedy)
      }
      let size = answer.size
      let colours = try Preprocessing(
        resize: .exact(height: size, width: size, filter: .bilinear), crop: .none,
        mean: [0, 0, 0], std: [1, 1, 1])
      #expect {
        _ = try Self.model(file, colours)
      } throws: { error in
        "\(error)".contains("the contract's channels are 3, the network's 4; " + remedy)
      }
    }
  }
}
