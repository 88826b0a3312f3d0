import Checkpoint
import Foundation
import HostileFiles
import Imaging
import ResNet
import Testing

@Suite struct PyTorchFileTests {
  private static let labels = ModelOptions(labels: ["a", "b", "c"])

  /// The network of all fixtures.
  private static let network = Architecture(
    stem: .cifar, block: .basic, stages: [2, 4, 6].map { .init(blocks: 1, width: $0) },
    shortcut: .a, classCount: 3, inputSize: 32)

  /// Returns a number of Fixtures/make.py, as its `number` does.
  private static func number(_ name: String, _ index: Int, at position: Int) -> Float {
    Float((position * 7 + index * 3 + name.utf8.count) % 16 + 1) / 8
  }

  /// Names in the order of Fixtures/make.py.
  private static var names: [String] {
    func normalization(_ name: String) -> [String] {
      ["weight", "bias", "running_mean", "running_var"].map { "\(name).\($0)" }
    }
    var names = ["conv1.weight"] + normalization("bn1")
    for stage in 1...3 {
      for part in 1...2 {
        names.append("layer\(stage).0.conv\(part).weight")
        names += normalization("layer\(stage).0.bn\(part)")
      }
    }
    return names + ["fc.weight", "fc.bias"]
  }

  private func check(_ model: Model) throws {
    #expect(Set(model.weights.names) == Set(Self.names))
    for (index, name) in Self.names.enumerated() {
      let values = try #require(model.weights[name]).values
      let expected = values.indices.map { Self.number(name, index, at: $0) }
      #expect(values == expected, "\(name)")
    }
  }

  @Test(
    "What torch.save writes is read with the numbers that were saved",
    arguments: [
      ("zip.pth", FileFormat.pytorchArchive), ("parameters.pt", .pytorchArchive),
      ("strided.pt", .pytorchArchive), ("stream.th", .pytorchStream), ("half.pt", .pytorchStream),
      ("bfloat.pt", .pytorchStream), ("double.pt", .pytorchStream),
      ("strided-stream.pt", .pytorchStream),
    ])
  func formats(name: String, format: FileFormat) throws {
    let model = try Model.load(path: Fixtures.path(name), options: Self.labels)
    #expect(model.format == format)
    #expect(model.architecture == Self.network)
    try check(model)
    #expect(
      model.warnings
        == (name == "double.pt"
          ? ["37 tensors in double precision are narrowed to single precision"] : []))
  }

  @Test("A training checkpoint's state dict is found, whatever else lies beside it")
  func training() throws {
    let model = try Model.load(path: Fixtures.path("training.pth.tar"), options: Self.labels)
    var expected = Self.network
    expected.zeroChannels = .centered
    #expect(model.architecture == expected)
    try check(model)
  }

  @Test("The file's bytes tell its format, not its name")
  func names() throws {
    for name in ["zip.pth", "stream.th"] {
      let bytes = try Fixtures.bytes(name)
      _ = try Model.load(bytes: bytes, fileName: "x.safetensors", options: Self.labels)
    }
    let plain = SafetensorsBytes.plain(try SmallNetworks.tensors(of: SmallNetworks.basic))
    let model = try Model.load(bytes: plain, fileName: "x.pth", options: Self.labels)
    #expect(model.format == .safetensors)
    // A header of 640 bytes begins as a pickle of protocol 2 does.
    let padded = SafetensorsBytes.file(header: "{\"x\":1}" + String(repeating: " ", count: 633))
    #expect(
      throws: CheckpointError.tensor(
        name: "x", offset: 0, reason: "its declaration is not a JSON object")
    ) {
      try Model.load(bytes: padded, fileName: "x.pth")
    }
  }

  @Test("A model read from PyTorch's file and written is the same model")
  func conversion() throws {
    let model = try Model.load(path: Fixtures.path("half.pt"), options: Self.labels)
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-pytorch-\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try model.write(to: path)
    let read = try Model.load(path: path)
    #expect(read.labels == ["a", "b", "c"] && read.format == .safetensors)
    try check(read)
  }

  @Test(
    "The published ResNet-20 is recognised and read as PyTorch reads it",
    .enabled(
      if: FileManager.default.fileExists(atPath: Fixtures.publishedPath),
      "\(Fixtures.publishedPath) is absent"))
  func published() throws {
    let model = try Model.load(
      path: Fixtures.publishedPath, options: ModelOptions(labels: (0..<10).map(String.init)))
    var architecture = try #require(Architecture.cifar(depth: 20))
    architecture.zeroChannels = .centered
    #expect(model.format == .pytorchStream && model.architecture == architecture)
    #expect(model.preprocessing.mean == [0.485, 0.456, 0.406])
    // Numbers that PyTorch 2.15 prints.
    let bias = try #require(model.weights["fc.bias"]).values
    #expect(bias.first == 0.19355906546115875 && bias.last == -0.27025941014289856)
    let first = try #require(model.weights["conv1.weight"]).values
    #expect(abs(first.reduce(0) { $0 + Double($1) } - 1.3100982000032673) < 1e-12)
    let last = try #require(model.weights["layer3.2.conv2.weight"]).values
    #expect(last.suffix(2) == [-0.004806095268577337, 0.002880609128624201])
  }
}
