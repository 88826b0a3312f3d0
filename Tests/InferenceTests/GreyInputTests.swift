import Checkpoint
import Classifying
import Engine
import Foundation
import Imaging
import Inference
import Testing

/// A network with one input channel, from Fixtures/make-onnx-grey.py, and PyTorch's logits of an
/// image that Pillow prepared.
@Suite struct GreyInputTests {
  private struct Answer: Decodable {
    let image: String
    let size: Int
    let mean: Float
    let std: Float
    let logits: [Float]
  }

  private static let tests = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func bytes(_ path: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: tests.appending(path: path)))
  }

  private static func answer() throws -> Answer {
    let json = try bytes("CheckpointTests/Fixtures/onnx-grey.json")
    return try #require(
      try JSONDecoder().decode([String: Answer].self, from: Data(json))["grey-17"])
  }

  private static func model(_ contract: Preprocessing) throws -> Model {
    var options = ModelOptions(labels: ["a", "b", "c", "d", "e"])
    options.preprocessing = contract
    return try Model.load(
      path: tests.path + "/CheckpointTests/Fixtures/grey-17.onnx", options: options)
  }

  private static func contract(_ answer: Answer) throws -> Preprocessing {
    try Preprocessing(
      resize: .exact(height: answer.size, width: answer.size, filter: .lanczos), crop: .none,
      channelOrder: .grey, mean: [answer.mean], std: [answer.std])
  }

  @Test("A grey network gives PyTorch's logits, from the file and from what convert writes")
  func parity() throws {
    let answer = try Self.answer()
    let imported = try Self.model(try Self.contract(answer))
    var native: [UInt8] = []
    try imported.write { part throws(CheckpointError) in
      native += unsafe part.withUnsafeBytes { unsafe [UInt8]($0) }
    }
    let read = try Model.load(bytes: native, fileName: "grey.safetensors")
    #expect(read.preprocessing == imported.preprocessing)
    for model in [imported, read] {
      let classifier = try Classifier(CompiledModel(model), limits: DecodingLimits())
      let logits = try classifier.logits(try Self.bytes(answer.image))
      #expect(logits.count == answer.logits.count)
      for (found, expected) in zip(logits, answer.logits) {
        #expect(abs(found - expected) < 1e-4)
      }
    }
  }

  @Test("In bfloat16 the logits stay near")
  func lowerPrecision() throws {
    guard Precision.bf16.isSupported else { return }
    let answer = try Self.answer()
    let model = try CompiledModel(try Self.model(try Self.contract(answer)), precision: .bf16)
    let classifier = try Classifier(model, limits: DecodingLimits())
    let logits = try classifier.logits(try Self.bytes(answer.image))
    for (found, expected) in zip(logits, answer.logits) { #expect(abs(found - expected) < 0.03) }
  }

  @Test("A contract of another number of channels is refused")
  func channels() throws {
    let answer = try Self.answer()
    let colours = try Preprocessing(
      resize: .exact(height: answer.size, width: answer.size, filter: .bilinear), crop: .none,
      mean: [0, 0, 0], std: [1, 1, 1])
    #expect {
      _ = try Self.model(colours)
    } throws: { error in
      "\(error)".contains(
        "the contract's channels are 3, the network's 1; mean and std have one number each for grey: "
      )
    }
  }
}
