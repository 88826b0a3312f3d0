import Checkpoint
import HostileFiles
import ResNet
import Testing

/// What `--arch` says of a network: names, settings, and both beside each other.
extension RecognitionTests {
  @Test(
    "A variant whose text is wrong says what is",
    arguments: [
      ("epsilon=1e-5,epsilon=1e-3", "epsilon is given twice"),
      ("stride=v1,v1.5", "stride is given twice"), ("resnet18,resnet34", "are both names"),
      ("epsilo=1", "did you mean epsilon?"), ("output-stride=4", "allowed: 8, 16 or 32"),
      ("resnet5000", "is neither the name of a network"),
    ])
  func variantText(text: String, words: String) {
    #expect {
      try NetworkVariant(text)
    } throws: {
      "\($0)".contains(words)
    }
  }

  @Test(
    "Settings change what a name says, wherever it stands",
    arguments: [
      ("pool=max", "resnet18"), ("stride=v1,epsilon=0.01", "resnet50"), ("v1", "resnet50"),
    ])
  func order(settings: String, name: String) throws {
    let variant = try NetworkVariant("\(settings),\(name)")
    #expect(try variant == NetworkVariant("\(name),\(settings)"))
    #expect(try variant != NetworkVariant(name))
  }

  @Test("Blanks around words change nothing")
  func blanks() throws {
    #expect(
      try NetworkVariant(" resnet50 , v1, epsilon = 0.01 ")
        == NetworkVariant("resnet50,v1,epsilon=0.01"))
  }

  @Test(
    "Settings that a plain network has no place for are told",
    arguments: [
      ("v1", Architecture.Block.basic, "stride"),
      ("basic-stride=first", .bottleneck, "basic-stride"),
      ("norm-groups=8", .basic, "norm-groups"), ("head-activation=relu", .basic, "head-activation"),
      ("zero-channels=trailing", .basic, "zero-channels"),
      ("attention-padding=circular", .basic, "attention-padding"),
    ])
  func unused(text: String, block: Architecture.Block, name: String) throws {
    let tensors = try SmallNetworks.tensors(of: Self.small(block, [1, 1]))
    var options = ModelOptions(labels: ["a", "b", "c"])
    options.variant = try NetworkVariant(text)
    let model = try Model.load(
      bytes: SafetensorsBytes.plain(tensors), fileName: "net.safetensors", options: options)
    let phrase = "\(name) (--arch) changes nothing: the network has no place for it"
    #expect(model.assumptions.contains(phrase), "\(model.assumptions)")
  }

  @Test(
    "A name says how large the first convolution is, unless its stem is said otherwise",
    arguments: [("resnet18", nil), ("resnet18,stem-stride=1,stem-pool=none", 1)] as [(String, Int?)]
  )
  func stem(text: String, stride: Int?) throws {
    let tensors = try SmallNetworks.tensors(of: Self.small(.basic, [2, 2, 2, 2], stem: .cifar))
    var options = ModelOptions(labels: ["a", "b", "c"])
    options.variant = try NetworkVariant(text)
    func load() throws -> Model {
      try Model.load(
        bytes: SafetensorsBytes.plain(tensors), fileName: "net.safetensors", options: options)
    }
    guard let stride else {
      let error = #expect(throws: CheckpointError.self) { try load() }
      #expect(error?.description.contains("of 7x7 numbers, the file of 3x3") == true)
      #expect(error?.description.contains("stem-stride=1,stem-pool=none") == true)
      return
    }
    let first = try load().graph.nodes.first { $0.name == "conv1" }
    guard case .convolution(let convolution) = first?.operation else {
      Issue.record("the first convolution must be there")
      return
    }
    #expect(convolution.stride == Extent(stride))
  }

  @Test("What is given beside a name is told if the network has no place for it")
  func unusedBesideName() throws {
    let tensors = try SmallNetworks.tensors(of: Self.small(.basic, [2, 2, 2, 2]))
    var options = ModelOptions(labels: ["a", "b", "c"])
    options.variant = try NetworkVariant("norm-groups=8,resnet18,v1")
    let model = try Model.load(
      bytes: SafetensorsBytes.plain(tensors), fileName: "net.safetensors", options: options)
    let told = model.assumptions.filter { $0.contains("changes nothing") }
    #expect(told.map { $0.prefix { $0 != " " } }.sorted() == ["norm-groups", "stride"])
  }

  @Test(
    "A name that is not the file's comes with the file's own",
    arguments: [
      (
        [2, 2, 2, 2], "resnet50",
        "the file [2, 2, 2, 2]; name the file's own network, whose blocks are those of resnet18, or"
      ),
      ([1, 2, 1, 1], "resnet18", "the file [1, 2, 1, 1]; name the file's own network or leave"),
      ([2, 2, 2, 2], "seresnet18", "the file has none; name the file's own network or leave"),
    ])
  func otherName(blocks: [Int], name: String, words: String) throws {
    let tensors = try SmallNetworks.tensors(of: Self.small(.basic, blocks))
    var options = ModelOptions(labels: ["a", "b", "c"])
    options.variant = try NetworkVariant(name)
    #expect {
      _ = try Model.load(
        bytes: SafetensorsBytes.plain(tensors), fileName: "net.safetensors", options: options)
    } throws: {
      "\($0)".contains(words)
    }
  }

  @Test("A name or a configuration may say what a network has no place for")
  func namedUnused() throws {
    let tensors = try SmallNetworks.tensors(of: Self.small(.basic, [2, 2, 2, 2]))
    var options = ModelOptions(labels: ["a", "b", "c"])
    options.variant = try NetworkVariant("resnet18")
    let model = try Model.load(
      bytes: SafetensorsBytes.plain(tensors), fileName: "net.safetensors", options: options)
    #expect(!model.assumptions.contains { $0.contains("changes nothing") })
  }

  @Test("A name without a number is timm's light network")
  func light() throws { #expect(try NetworkVariant("ecaresnetlight") != NetworkVariant()) }

  @Test(
    "timm's older SE networks stride and pool each in its own way",
    arguments: [
      ("legacy_seresnet50", "stride=v1,", "stem-pool=max-ceil"),
      ("timm/legacy_seresnet152.in1k", "stride=v1,", "stem-pool=max-ceil"),
      ("legacy_senet154", "stride=v1.5,", "stem-pool=max-ceil"),
      ("legacy_seresnext101_32x4d", "stride=v1.5,", "stem-pool=max-ceil"),
      ("legacy_seresnet18", "stride=", "stem-pool=max-ceil"),
      ("seresnet50", "stride=v1.5,", "stem-pool=max,"), ("gluon_senet154", "stride=v1.5,", ""),
    ])
  func legacy(name: String, stride: String, pool: String) throws {
    let text = try NetworkVariant(name).text + ","
    #expect(text.contains(stride) && text.contains(pool), "\(text)")
    // Two makers' networks are called so, which pool differently.
    #expect(text.contains("stem-pool") != pool.isEmpty, "\(text)")
  }

  @Test("An epsilon of 0 is as good as none, and less is none at all")
  func withoutEpsilon() throws {
    let epsilon = try #require(try NetworkVariant("epsilon=0").epsilon)
    #expect(epsilon > 0 && 1e-20 + epsilon == 1e-20)
    #expect(try NetworkVariant(NetworkVariant("epsilon=0").text).epsilon == epsilon)
    for value in ["-1e-5", "1", "x"] {
      #expect(throws: CheckpointError.self) { try NetworkVariant("epsilon=\(value)") }
    }
  }

  @Test(
    "Names of networks that are not read from tensors are no typing errors",
    arguments: [
      "resnet33ts", "timm/res2net50_26w_4s.in1k", "skresnet18", "resnest50d", "seresnext26ts",
      "resnet51q", "resnet50_clip_gap", "nf_resnet50", "resnetv2_50d_evos", "densenet121",
    ])
  func otherNetworks(name: String) {
    let error = #expect(throws: CheckpointError.self) { try NetworkVariant(name) }
    #expect(error?.description.contains("export it as ONNX") == true)
    #expect(error?.description.contains("did you mean") == false)
  }

  @Test(
    "Networks with attention over pixels are not sent to ONNX, where they are refused too",
    arguments: [
      "gcresnet50t", "resnet50_clip", "resnet50_clip.openai", "timm/eca_botnext26ts_256",
      "lambda_resnet26t", "vit_base_patch16_224",
    ])
  func networksWithAttention(name: String) {
    let error = #expect(throws: CheckpointError.self) { try NetworkVariant(name) }
    #expect(error?.description.contains("attention over pixels") == true)
    #expect(error?.description.contains("export it as ONNX") == false)
  }

  @Test("A name that is written wrongly is told the right one")
  func misspelled() {
    for name in ["resnte50", "resnet17"] {
      let error = #expect(throws: CheckpointError.self) { try NetworkVariant(name) }
      #expect(error?.description.contains("did you mean resnet") == true)
    }
  }

  @Test("The search tries every function and every pool that can be said")
  func candidates() throws {
    let tried = Set(
      NetworkVariant().candidates(changing: 1).flatMap {
        $0.text.split(separator: ",").map(String.init)
      })
    let functions = [
      "relu6", "leaky-relu:0.01", "elu", "selu", "gelu", "silu", "hard-swish", "mish", "tanh",
      "none",
    ]
    let settings =
      functions.flatMap { ["activation=\($0)", "head-activation=\($0)"] } + [
        "attention-pool=avgmax", "attention-gate=hard-sigmoid", "attention-padding=circular",
      ]
      + NetworkVariant.GlobalPooling.allCases.filter { $0 != .avg }.map { "pool=\($0.rawValue)" }
      + NetworkVariant.StemPooling.allCases.map { "stem-pool=\($0.rawValue)" }
    for setting in settings {
      // As the text of a variant has it.
      let text = try NetworkVariant(setting).text
      #expect(tried.contains(text), "\(setting)")
    }
  }

  @Test("The stem's pool and the filter after it are one module", arguments: ["average", "blur"])
  func pooledStem(kind: String) throws {
    var options = ModelOptions(labels: ["a", "b", "c"])
    options.variant = try NetworkVariant("anti-aliasing=\(kind)")
    let model = try Model.load(
      bytes: SafetensorsBytes.plain(SmallNetworks.tensors(of: Self.small(.basic, [2, 2, 2, 2]))),
      fileName: "net.safetensors", options: options)
    let outputs = model.graph.outputs(named: "maxpool")
    let shapes = try model.graph.shapes()
    #expect(outputs.map { shapes[$0].height } == [56])
  }
}
