import Checkpoint
import Foundation
import Imaging
import ResNet
import Testing

/// Model files whose weights are stored in 16 bits.
@Suite struct WeightFormatTests {
  private func stored(_ format: WeightFormat) throws -> (model: Model, byteCount: Int) {
    let path = NSTemporaryDirectory() + "narrow-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let rounded = try Model.embedded(.cifar10).rounded(to: format)
    try rounded.write(to: path, storing: format)
    return (try Model.load(path: path), try Data(contentsOf: URL(fileURLWithPath: path)).count)
  }

  @Test(
    "Weights come back as the nearest numbers, others as they were",
    arguments: [(WeightFormat.f16, Float(0x1p-11)), (.bf16, 0x1p-8)])
  func rounding(format: WeightFormat, error: Float) throws {
    let original = try Model.embedded(.cifar10)
    let (model, byteCount) = try stored(format)
    #expect(byteCount < 700_000)
    let rounded = try original.rounded(to: format)
    #expect(rounded.goldenSamples.isEmpty && model.goldenSamples.isEmpty)
    for name in original.weights.names {
      let before = try #require(original.weights[name]?.values)
      let after = try #require(model.weights[name]?.values)
      #expect(after == rounded.weights[name]?.values)
      if original.weights[name]?.shape.count == 1 {
        #expect(after == before, "\(name)")
      } else {
        let isNear = zip(before, after).allSatisfy { abs($0 - $1) <= error * abs($0) + 0x1p-25 }
        #expect(isNear, "\(name)")
        #expect(after != before, "\(name)")
      }
    }
  }

  @Test("Nothing is rounded where the format is single precision")
  func single() throws {
    let model = try Model.embedded(.cifar10)
    #expect(try model.rounded(to: .f32).version == model.version)
  }

  @Test("Weights beyond half precision are refused by name")
  func beyondRange() throws {
    var graph = Graph(input: FeatureShape(channels: 3, height: 1, width: 1))
    graph.append("fc", .linear(Linear(outputs: 2)), 0)
    let weights = Weights([
      "fc.weight": Tensor(shape: [2, 3], storage: [70_000, 1, 1, 1, 1, 1] as [Float]),
      "fc.bias": Tensor(shape: [2], storage: [0, 0] as [Float]),
    ])
    let cifar = try Model.embedded(.cifar10)
    let contract = try Preprocessing(
      resize: .exact(height: 1, width: 1, filter: .bilinear), crop: .none,
      mean: cifar.preprocessing.mean, std: cifar.preprocessing.std)
    let model = try Model(
      name: "x", graph: graph, weights: weights,
      Model.Contents(labels: ["a", "b"], preprocessing: contract))
    let error = #expect(throws: CheckpointError.self) { try model.rounded(to: .f16) }
    #expect(error?.description.contains("fc.weight has numbers beyond the range of f16") == true)
    #expect(try model.rounded(to: .bf16).weights["fc.weight"]?.values.first == 70_144)
  }
}
