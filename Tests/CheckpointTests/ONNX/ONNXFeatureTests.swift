import Checkpoint
import Engine
import Foundation
import Imaging
import ResNet
import Testing

/// Features of networks that came as ONNX, with those of ONNX Runtime (make-onnx-features.py).
@Suite struct ONNXFeatureTests {
  private struct Answer: Decodable {
    let size: Int
    let features: [Float]
  }

  @Test(
    "The last linear layer of an ONNX graph reads what ONNX Runtime says, within 1e-4 of the largest",
    arguments: [
      "torch-17-folded", "timm-d", "timm-se", "timm-silu", "timm-v2", "timm-eca", "keras-v1",
      "basic-13",
    ])
  func features(name: String) throws {
    let answers = try JSONDecoder().decode(
      [String: Answer].self, from: Data(try Fixtures.bytes("onnx-features.json")))
    let answer = try #require(answers[name])
    var options = ModelOptions(labels: ["a", "b", "c", "d", "e"])
    options.preprocessing = try Preprocessing(
      resize: .exact(height: answer.size, width: answer.size, filter: .bilinear), crop: .none,
      mean: [0, 0, 0], std: [1, 1, 1])
    let model = try Model.load(path: Fixtures.path("\(name).onnx"), options: options)
    var compilation = CompilationOptions()
    compilation.taps = [model.graph.nodes[try model.graph.featureNode()].name]
    let network = try CompiledNetwork(model.graph, model.weights, options: compilation)
    let image = (0..<3 * answer.size * answer.size).map { Float($0 * 7919 % 257) / 128 - 1 }
    var logits = [Float](repeating: .nan, count: network.outputCount)
    var span = logits.mutableSpan
    let taps = TapOutputs()
    try ExecutionContext(network).run(
      imageCount: 1, input: image.span, logits: &span, taps: taps)
    let largest = try #require(answer.features.map(abs).max())
    #expect(taps.numbers[0].count == answer.features.count)
    for (a, b) in zip(taps.numbers[0], answer.features) { #expect(abs(a - b) <= 1e-4 * largest) }
  }
}
