import Checkpoint
import Foundation
import HostileFiles
import Imaging
import ResNet
import Testing
import resnetd

/// The list of torchvision's weights, and the conversion of one of its files.
@Suite struct PublishedWeightsTests {
  @Test("Every name is one file's, and a network's stands for its latest weights")
  func names() throws {
    let all = PublishedWeights.all
    #expect(Set(all.map(\.name)).count == all.count && Set(all.map(\.digits)).count == all.count)
    for weights in all {
      #expect(try PullSubject(weights.name, from: nil).weights?.digits == weights.digits)
      #expect(weights.digits.wholeMatch(of: /[0-9a-f]{8}/) != nil)
      let latest = try PullSubject(weights.network, from: nil).weights
      #expect(latest?.network == weights.network)
      #expect(latest.map { $0.generation >= weights.generation } == true)
    }
    #expect(
      try PullSubject("resnext101_64x4d", from: nil).address
        == "https://download.pytorch.org/models/resnext101_64x4d-173b62eb.pth")
    #expect(throws: UsageError.self) { try PullSubject("resnet18-v2", from: nil) }
  }

  @Test("ImageNet's classes have a thousand names, each in its place")
  func labels() {
    let labels = Labels.imageNet
    #expect(labels.count == 1000 && Set(labels).count == 1000)
    #expect([labels[0], labels[281], labels[999]] == ["tench", "tabby", "toilet tissue"])
  }

  /// Writes a network of two narrow stages after ImageNet's stem.
  private static func file(in folder: TemporaryFolder) throws -> String {
    let network = Architecture(
      stem: .imageNet, block: .basic,
      stages: [.init(blocks: 1, width: 64), .init(blocks: 1, width: 8)], shortcut: .b,
      classCount: 1000, inputSize: 224)
    let path = folder.url.appendingPathComponent("weights.pth").path
    let bytes = SafetensorsBytes.plain(try SmallNetworks.tensors(of: network))
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }

  @Test("A file of weights gets ImageNet's labels, its own contract and its provenance")
  func conversion() throws {
    let folder = try TemporaryFolder()
    let path = try Self.file(in: folder)
    let version = ModelVersion(digest: [UInt8](repeating: 7, count: 32))
    for (name, side) in [("resnet50-v1", 256), ("resnet50", 232), ("resnext101_64x4d", 232)] {
      let subject = try PullSubject(name, from: nil)
      let model = try PullCommand.converted(
        path, subject, PullCommand.modelOptions(ModelParts(), subject), version)
      #expect(model.name == subject.name && model.labels == Labels.imageNet)
      #expect(model.preprocessing.resize == .shorterSide(size: side, filter: .bilinear))
      #expect(model.preprocessing.crop == .center(height: 224, width: 224))
      #expect(!model.assumptions.contains { $0.contains("torchvision") })
      #expect(model.provenance?.parent == version.hex)
      #expect(model.provenance?.accuracy == subject.weights?.accuracy)
      #expect(model.provenance?.data?.contains(subject.address) == true)
    }
  }

  @Test("What the command line says wins over what is known of the weights")
  func options() throws {
    let folder = try TemporaryFolder()
    var parts = ModelParts()
    parts.labels = try folder.file("labels", "a\nb\n").path
    parts.preprocess = "imagenet"
    parts.name = "mine"
    let options = try PullCommand.modelOptions(parts, PullSubject("resnet50-v2", from: nil))
    #expect(options.labels == ["a", "b"] && options.name == "mine")
    #expect(options.preprocessing == .imageNet)
  }

  @Test(
    "An address names the model as far as it may",
    arguments: [
      ("http://h/small-01234567.pth", "small"), ("http://h/a/b%2fc-01234567.pth", "b_2fc"),
      ("http://h/-01234567.pth", "model"), ("http://h/..-01234567.pth", "model"),
      ("http://h/" + String(repeating: "n", count: 900), String(repeating: "n", count: 100)),
    ])
  func addresses(address: String, name: String) throws {
    #expect(try PullSubject(address, from: nil).name == name)
  }
}
