import Checkpoint
import HostileFiles
import Imaging
import ResNet
import Testing

@Suite struct RecognitionTests {
  /// Returns a family at a few channels: only depth, block, groups and shortcuts are as published.
  static func small(
    _ block: Architecture.Block, _ blocks: [Int], shortcut: Architecture.Shortcut = .b,
    groups: Int = 1, widthPerGroup: Int = 64, stem: Architecture.Stem = .imageNet
  ) -> Architecture {
    var architecture = Architecture(
      stem: stem, block: block,
      stages: zip(blocks, [8, 16, 24, 32]).map { .init(blocks: $0, width: $1) },
      shortcut: shortcut, classCount: 3, inputSize: stem == .imageNet ? 224 : 32)
    architecture.groups = groups
    architecture.widthPerGroup = widthPerGroup
    return architecture
  }

  private static let networks: [Architecture] = [
    small(.basic, [2, 2, 2, 2]), small(.basic, [3, 4, 6, 3]), small(.bottleneck, [3, 4, 6, 3]),
    small(.bottleneck, [3, 4, 23, 3]), small(.bottleneck, [3, 8, 36, 3]),
    small(.bottleneck, [3, 4, 6, 3], groups: 4, widthPerGroup: 32),
    small(.bottleneck, [3, 4, 6, 3], widthPerGroup: 128),
    small(.basic, [3, 3, 3], shortcut: .a, stem: .cifar),
    small(.basic, [9, 9, 9], shortcut: .b, stem: .cifar),
    small(.basic, [2, 2, 2], shortcut: .c, stem: .cifar),
  ]

  private func load(_ tensors: [String: Tensor]) throws -> Model {
    try Model.load(
      bytes: SafetensorsBytes.plain(tensors), fileName: "net.safetensors",
      options: ModelOptions(labels: ["a", "b", "c"]))
  }

  private func renamed(
    _ tensors: [String: Tensor], _ rename: (String) -> String
  ) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: tensors.map { (rename($0.key), $0.value) })
  }

  /// The small network with another number of input channels, and the options to load it.
  private func failure(channels: Int) throws -> (bytes: [UInt8], reason: String) {
    var tensors = try SmallNetworks.tensors(of: SmallNetworks.basic)
    let numbers = [Float](repeating: 0.1, count: 4 * channels * 9)
    tensors["conv1.weight"] = Tensor(shape: [4, channels, 3, 3], storage: numbers)
    do {
      _ = try load(tensors)
      return (SafetensorsBytes.plain(tensors), "it passed")
    } catch { return (SafetensorsBytes.plain(tensors), "\(error)") }
  }

  @Test("A grey network without a contract is refused with one that holds for it")
  func grey() throws {
    let (bytes, reason) = try failure(channels: 1)
    let parts = reason.split(separator: "'")
    let start = "1 channel, and nothing says how they are prepared; mean and std have one number"
    #expect(reason.contains(start) && parts.count == 4)
    let text = String(try #require(parts.first { $0.hasPrefix("{") }))
    var options = ModelOptions(labels: ["a", "b", "c"])
    options.preprocessing = try Contract.read(text).preprocessing
    let model = try Model.load(bytes: bytes, fileName: "x", options: options)
    #expect(model.preprocessing.channelCount == 1 && model.preprocessing.outputSize == (32, 32))
  }

  @Test("A network of several bands needs a contract with as many numbers, and has at most 32")
  func bands() throws {
    let reason = try failure(channels: 4).reason
    #expect(
      reason.contains("4 channels, and nothing says how they are prepared; mean and std have 4"),
      "\(reason)")
    let beyond = try failure(channels: 33).reason
    #expect(
      beyond.contains("a first convolution of 33 channels; images have 1 to 32"), "\(beyond)")
  }

  @Test("Architecture and weights follow from torchvision's names and shapes", arguments: networks)
  func torchvision(architecture: Architecture) throws {
    let tensors = try SmallNetworks.tensors(of: architecture)
    let model = try load(tensors)
    #expect(model.architecture == architecture)
    #expect(model.name == "net")
    for (name, tensor) in tensors {
      let read = try #require(model.weights[name])
      let isSame = tensor.withValues { first in
        read.withValues { second in
          first.count == second.count && first.indices.allSatisfy { first[$0] == second[$0] }
        }
      }
      #expect(isSame && read.shape == tensor.shape)
    }
  }

  @Test(
    "An output stride dilates the same stages, whatever the sides of images",
    arguments: [32, 33, 65, 90, 97, 129])
  func outputStride(side: Int) throws {
    let tensors = try SmallNetworks.tensors(of: Self.small(.bottleneck, [3, 4, 6, 3]))
    var options = ModelOptions(labels: ["a", "b", "c"])
    options.variant = try NetworkVariant("output-stride=8")
    options.preprocessing = try Contract.read(
      #"{"resize": {"rule": "exact", "height": \#(side), "width": \#(side)}, "#
        + #""mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]}"#
    ).preprocessing
    let model = try Model.load(
      bytes: SafetensorsBytes.plain(tensors), fileName: "net.safetensors", options: options)
    for (name, stride, dilation) in [
      ("layer2.0.conv2", 2, 1), ("layer3.0.conv2", 1, 1), ("layer3.1.conv2", 1, 2),
      ("layer4.0.conv2", 1, 2), ("layer4.2.conv2", 1, 4),
    ] {
      let node = try #require(model.graph.nodes.first { $0.name == name })
      guard case .convolution(let convolution) = node.operation else {
        Issue.record("\(name) must be a convolution")
        continue
      }
      #expect(convolution.stride == Extent(stride) && convolution.dilation == Extent(dilation))
    }
  }

  @Test("Linear layers with names come in the only order that their shapes allow")
  func namedHead() throws {
    var tensors = try SmallNetworks.tensors(of: Self.small(.basic, [2, 2, 2, 2]))
    tensors["fc.weight"] = nil
    tensors["fc.bias"] = nil
    func add(_ name: String, _ outputs: Int, _ inputs: Int) {
      tensors["fc.\(name).weight"] = Tensor(
        shape: [outputs, inputs], storage: [Float](repeating: 0.1, count: outputs * inputs))
      tensors["fc.\(name).bias"] = Tensor(
        shape: [outputs], storage: [Float](repeating: 0, count: outputs))
    }
    add("second", 3, 16)
    add("first", 16, 32)
    let model = try load(tensors)
    let names = model.graph.nodes.map(\.name)
    let first = try #require(names.firstIndex(of: "fc.first"))
    #expect(first < names.firstIndex(of: "fc.second") ?? 0)
    #expect(model.assumptions.contains { $0.contains("ReLU stands before fc") })
    add("third", 16, 16)
    add("fourth", 16, 16)
    #expect {
      try load(tensors)
    } throws: {
      "\($0)".contains("whose order is not known")
    }
  }

  @Test(
    "A projection head of DINO is no classifier, however many layers it has", arguments: [1, 3])
  func projectionHead(layerCount: Int) throws {
    for prefix in ["", "head.", "module.head."] {
      var tensors = try SmallNetworks.tensors(of: Self.small(.basic, [2, 2, 2, 2]))
      tensors["fc.weight"] = nil
      tensors["fc.bias"] = nil
      if prefix.hasPrefix("module") { tensors = renamed(tensors) { "module.backbone.\($0)" } }
      func add(_ name: String, _ shape: [Int]) {
        let values = [Float](repeating: 0.1, count: shape.reduce(1, *))
        tensors[prefix + name] = Tensor(shape: shape, storage: values)
      }
      for layer in 0..<layerCount { add("mlp.\(2 * layer).weight", [32, 32]) }
      add("last_layer.weight_g", [3, 1])
      add("last_layer.weight_v", [3, 32])
      #expect {
        try load(tensors)
      } throws: {
        "\($0)".contains("is a projection head as in DINO")
      }
    }
  }

  /// The small network's tensors with the classifier under another name, without its bias.
  private func withoutBias(_ rename: (String) -> String) throws -> [String: Tensor] {
    var tensors = try SmallNetworks.tensors(of: Self.small(.basic, [2, 2, 2, 2]))
    tensors["fc.bias"] = nil
    return renamed(tensors, rename)
  }

  @Test(
    "A module is called as the file calls it, however it is translated",
    arguments: [
      ("classifier", "classifier"), ("linear", "linear"), ("classifier.1", "classifier.1"),
      ("head", "head"), ("fc", "fc"), ("module.linear", "module.linear"),
    ])
  func nameInFile(module: String, name: String) throws {
    let prefix = module.hasPrefix("module.") ? "module." : ""
    let tensors = try withoutBias { given in
      given.hasPrefix("fc.") ? module + given.dropFirst(2) : prefix + given
    }
    let told = try load(tensors).assumptions
    #expect(told.contains { $0.hasPrefix("\(name), which has no bias, ") }, "\(told)")
  }

  @Test("A module with weight normalisation is called as the file calls it")
  func nameOfNormalized() throws {
    for (magnitude, direction) in [
      ("weight_g", "weight_v"),
      ("parametrizations.weight.original0", "parametrizations.weight.original1"),
    ] {
      var tensors = try withoutBias { $0 }
      let weight = try #require(tensors["fc.weight"])
      tensors["fc.weight"] = nil
      tensors["linear.\(direction)"] = weight
      tensors["linear.\(magnitude)"] = Tensor(
        shape: [weight.shape[0], 1], storage: [Float](repeating: 1, count: weight.shape[0]))
      let told = try load(tensors).assumptions
      #expect(told.contains { $0.hasPrefix("linear, which has no bias, ") }, "\(told)")
    }
  }

  @Test("A missing tensor has the name that the others of its module have in the file")
  func missingInFile() throws {
    var tensors = try SmallNetworks.tensors(of: Self.small(.basic, [2, 2, 2, 2]))
    tensors["layer4.0.bn1.running_var"] = nil
    let error = #expect(throws: CheckpointError.self) { try load(renamed(tensors, huggingFace)) }
    let name = "resnet.encoder.stages.3.layers.0.layer.0.normalization.running_var"
    #expect(error?.description.hasPrefix("tensor \(name) is missing") == true, "\(error as Any)")
  }

  @Test("The classifier may be said as the file calls it, with a prefix that all names have")
  func headInFile() throws {
    var tensors = try SmallNetworks.tensors(of: Self.small(.basic, [2, 2, 2, 2]))
    let (weight, bias) = (tensors["fc.weight"], tensors["fc.bias"])
    (tensors["fc.weight"], tensors["fc.bias"]) = (nil, nil)
    for name in ["age", "sex"] {
      (tensors["\(name).weight"], tensors["\(name).bias"]) = (weight, bias)
    }
    let given = renamed(tensors) { "module." + $0 }
    let error = #expect(throws: CheckpointError.self) { try load(given) }
    let words = "any of the modules module.age, module.sex may be the classifier"
    #expect(error?.description.contains(words) == true, "\(error as Any)")
    for name in ["module.sex", "sex"] {
      var options = ModelOptions(labels: ["a", "b", "c"])
      options.variant = try NetworkVariant("head=\(name)")
      let model = try Model.load(
        bytes: SafetensorsBytes.plain(given), fileName: "net.safetensors", options: options)
      let told = "module.age is no part of the way to the classifier module.sex"
      #expect(model.assumptions.contains { $0.hasPrefix(told) }, "\(model.assumptions)")
    }
  }

  /// Returns Hugging Face's name for torchvision's.
  private func huggingFace(_ name: String) -> String {
    let parts = name.split(separator: ".").map(String.init)
    let last = parts[parts.count - 1]
    switch parts[0] {
    case "conv1": return "resnet.embedder.embedder.convolution.\(last)"
    case "bn1": return "resnet.embedder.embedder.normalization.\(last)"
    case "fc": return "classifier.1.\(last)"
    default:
      let stage =
        "resnet.encoder.stages.\((Int(parts[0].dropFirst(5)) ?? 0) - 1).layers.\(parts[1])"
      if parts[2] == "downsample" {
        return "\(stage).shortcut.\(parts[3] == "0" ? "convolution" : "normalization").\(last)"
      }
      let index = (Int(parts[2].suffix(1)) ?? 0) - 1
      let kind = parts[2].hasPrefix("conv") ? "convolution" : "normalization"
      return "\(stage).layer.\(index).\(kind).\(last)"
    }
  }

  @Test("Hugging Face's names give the same network", arguments: networks)
  func huggingFaceNames(architecture: Architecture) throws {
    let tensors = try SmallNetworks.tensors(of: architecture)
    #expect(try load(renamed(tensors, huggingFace)).architecture == architecture)
  }

  @Test(
    "Wrappers' prefixes fall away", arguments: ["module.", "model.", "module.model.", "backbone."])
  func prefixes(prefix: String) throws {
    let tensors = try SmallNetworks.tensors(of: SmallNetworks.basic)
    #expect(
      try load(renamed(tensors) { prefix + $0 }).architecture == SmallNetworks.basic)
  }

  @Test("A first normalisation that is missing is missed, whatever the blocks have")
  func missingNormalization() throws {
    var tensors = try SmallNetworks.tensors(of: SmallNetworks.basic)
    for part in ["weight", "bias", "running_mean", "running_var"] { tensors["bn1.\(part)"] = nil }
    do {
      _ = try load(tensors)
      Issue.record("it passed")
    } catch let error as CheckpointError {
      #expect(error.description.contains("tensor bn1."), "\(error)")
    }
  }

  @Test("akamaster's names mean that option A pads on both sides")
  func akamaster() throws {
    let tensors = try SmallNetworks.tensors(of: SmallNetworks.basic)
    let model = try load(
      renamed(tensors) { $0.hasPrefix("fc.") ? "linear." + $0.dropFirst(3) : $0 })
    var expected = SmallNetworks.basic
    expected.zeroChannels = .centered
    #expect(model.architecture == expected)
  }

  @Test("Batch counters of training are no parameters")
  func counters() throws {
    var tensors = try SmallNetworks.tensors(of: SmallNetworks.basic)
    tensors["bn1.num_batches_tracked"] = Tensor(shape: [], storage: [7])
    #expect(try load(tensors).architecture == SmallNetworks.basic)
  }

  @Test("What is missing, left over, misshapen or of a relative is named")
  func faults() throws {
    let tensors = try SmallNetworks.tensors(of: SmallNetworks.basic)
    func failure(_ change: (inout [String: Tensor]) -> Void) -> CheckpointError? {
      var changed = tensors
      change(&changed)
      do {
        _ = try load(changed)
        return nil
      } catch {
        return error as? CheckpointError
      }
    }
    let missing = failure { $0["layer1.0.bn2.weight"] = nil }
    #expect(missing == .missingTensor(name: "layer1.0.bn2.weight", expected: [4]))
    guard
      case .unknownTensor("extra.weight", _) = failure({
        $0["extra.weight"] = Tensor(shape: [1], storage: [0])
      })
    else {
      Issue.record("a tensor too many passed")
      return
    }
    guard
      case .tensorShape("bn1.bias", _, [4], [5]) = failure({
        $0["bn1.bias"] = Tensor(shape: [5], storage: [0, 0, 0, 0, 0])
      })
    else {
      Issue.record("a wrong shape passed")
      return
    }
    guard
      case .unsupported(let reason) = failure({
        $0["layer1.0.se.fc1.weight"] = Tensor(shape: [1], storage: [0])
      })
    else {
      Issue.record("squeeze-and-excitation passed")
      return
    }
    #expect(reason.contains("squeeze and excitation"))
  }

  @Test("Labels are needed, as many as classes")
  func labels() throws {
    let bytes = SafetensorsBytes.plain(try SmallNetworks.tensors(of: SmallNetworks.basic))
    #expect(throws: CheckpointError.labelsMissing(classCount: 3)) {
      try Model.load(bytes: bytes, fileName: "x")
    }
    #expect(throws: CheckpointError.labelCount(labels: 2, classCount: 3)) {
      try Model.load(bytes: bytes, fileName: "x", options: ModelOptions(labels: ["a", "b"]))
    }
  }
}
