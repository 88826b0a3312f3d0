import Checkpoint
import Foundation
import Imaging
import ResNet
import Testing

@Suite struct EmbeddedModelTests {
  @Test("Every embedded model is complete", arguments: EmbeddedModel.allCases)
  func completeness(embedded: EmbeddedModel) throws {
    let model = try Model.embedded(embedded)
    #expect(model.name == embedded.name)
    #expect(model.warnings.isEmpty && model.assumptions.isEmpty)
    #expect(model.goldenSamples.count >= 4)
    let provenance = try #require(model.provenance)
    #expect(provenance.data != nil && provenance.licence != nil && provenance.recipe != nil)
    #expect(provenance.accuracy.map { $0 > 0.4 } == true)
    #expect(model.version.hex.utf8.count == 64)
    #expect(model.version.short == String(model.version.hex.prefix(12)))
    try model.graph.validate(model.weights)
  }

  @Test("The usual one knows 200 things by names that people use")
  func usual() throws {
    let model = try Model.embedded()
    #expect(model.architecture == Architecture.named("resnet18-half-64"))
    #expect(model.preprocessing == .imageNet64)
    #expect(model.labels.count == 200)
    #expect(model.output.displayNames["tabby"] == "cat (tabby)")
    #expect(Set(model.output.displayNames.keys) == Set(model.labels))
    #expect(model.output.threshold != nil && model.output.temperature != 1)
  }

  @Test("The other one is the ResNet-20 of CIFAR-10")
  func cifar() throws {
    let model = try Model.embedded(.cifar10)
    #expect(model.labels.count == 10)
    #expect(model.labels.first == "airplane")
    #expect(model.architecture == Architecture.cifar(depth: 20))
    #expect(model.preprocessing.outputSize == (32, 32))
  }

  @Test("A name stands for the model only where the operator named it, and no file has the name")
  func names() throws {
    var options = ModelOptions()
    #expect(throws: CheckpointError.self) {
      try Model.load(path: EmbeddedModel.cifar10.name, options: options)
    }
    options.readsExternalData = true
    let model = try Model.load(path: EmbeddedModel.cifar10.name, options: options)
    #expect(model.version == (try Model.embedded(.cifar10)).version)
    #expect(EmbeddedModel(path: "resnet50") == nil)
    #expect(EmbeddedModel(path: "./resnet20-cifar10") == nil)
  }

  @Test("The file that is written is the one that is embedded")
  func written() throws {
    let path = NSTemporaryDirectory() + "embedded-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try EmbeddedModel.cifar10.write(to: path)
    #expect(try Model.load(path: path).version == Model.embedded(.cifar10).version)
  }

  @Test func lettingTheWeightsGoLeavesTheRest() throws {
    var model = try Model.embedded(.cifar10)
    model.weights = Weights()
    #expect(model.goldenSamples.allSatisfy { $0.logits.count == 10 && !$0.encodedImage.isEmpty })
    #expect(throws: CheckpointError.self) { try model.write(to: "/nonexistent/model") }
  }
}
