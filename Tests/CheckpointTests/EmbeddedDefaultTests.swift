import Checkpoint
import Imaging
import ResNet
import Testing

@Suite struct EmbeddedDefaultTests {
  @Test func theEmbeddedModelIsCompleteAndReadInPlace() throws {
    let model = try Model.embeddedDefault()
    #expect(model.name == "resnet20-cifar10")
    #expect(model.labels.count == 10)
    #expect(model.labels.first == "airplane")
    #expect(model.architecture == Architecture.cifar(depth: 20))
    #expect(model.goldenSamples.count >= 4)
    #expect(model.provenance?.accuracy != nil)
    #expect(model.preprocessing.outputSize == (32, 32))
    #expect(model.version.hex.utf8.count == 64)
    #expect(model.version.short == String(model.version.hex.prefix(12)))
    try model.graph.validate(model.weights)
  }

  @Test func lettingTheWeightsGoLeavesTheRest() throws {
    var model = try Model.embeddedDefault()
    model.weights = Weights()
    #expect(model.goldenSamples.allSatisfy { $0.logits.count == 10 && !$0.encodedImage.isEmpty })
    #expect(throws: CheckpointError.self) { try model.write(to: "/nonexistent/model") }
  }
}
