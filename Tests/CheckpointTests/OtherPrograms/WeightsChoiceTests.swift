import Checkpoint
import HostileFiles
import Imaging
import ResNet
import Testing

/// Networks under any prefix, beside what training leaves, and several in one file.
@Suite struct WeightsChoiceTests {
  private static let network = SmallNetworks.basic

  private func tensors() throws -> [String: Tensor] {
    try SmallNetworks.tensors(of: Self.network)
  }

  private func load(_ tensors: [String: Tensor], weights: String? = nil) throws -> Model {
    var options = ModelOptions(labels: ["a", "b", "c"])
    options.weights = weights
    return try Model.load(
      bytes: SafetensorsBytes.plain(tensors), fileName: "net.safetensors", options: options)
  }

  private func failure(_ tensors: [String: Tensor], weights: String? = nil) -> String {
    do {
      _ = try load(tensors, weights: weights)
      return "it passed"
    } catch {
      return "\(error)"
    }
  }

  private func check(_ model: Model, equals tensors: [String: Tensor]) {
    #expect(model.architecture == Self.network)
    for (name, tensor) in tensors {
      #expect(model.weights[name]?.values == tensor.values, "\(name)")
    }
  }

  /// Returns the tensors under other names.
  private func renamed(
    _ tensors: [String: Tensor], _ rename: (String) -> String
  ) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: tensors.map { (rename($0.key), $0.value) })
  }

  @Test(
    "A prefix that all tensors have goes, whatever it is",
    arguments: [
      "net.", "encoder.", "_orig_mod.", "student.", "module.model.", "state.net._orig_mod.module.",
    ])
  func prefixes(prefix: String) throws {
    let tensors = try tensors()
    let model = try load(renamed(tensors) { prefix + $0 })
    check(model, equals: tensors)
    #expect(model.warnings.isEmpty)
  }

  @Test(
    "A classifier may be outside of the prefix of the body",
    arguments: [("features.", ""), ("net.extractor.body.", "net.")])
  func split(body: String, head: String) throws {
    let tensors = try tensors()
    check(
      try load(renamed(tensors) { ($0.hasPrefix("fc.") ? head : body) + $0 }), equals: tensors)
  }

  @Test("Tensors of losses, metrics and profilers are passed over with a line each")
  func spare() throws {
    let tensors = try tensors()
    var file = renamed(tensors) { "model." + $0 }
    for name in [
      "criterion.weight", "loss_fn.centers", "model.arc_loss.weight", "model.total_ops",
      "model.layer1.0.total_params", "val_acc.correct", "train_metrics.f1.tp",
    ] {
      file[name] = Tensor(shape: [2], storage: [1, 2])
    }
    let model = try load(file)
    check(model, equals: tensors)
    #expect(
      model.warnings == [
        "2 tensors of a profiler are passed over (model.layer1.0.total_params, …)",
        "3 tensors of a loss are passed over (criterion.weight, …)",
        "2 tensors of a metric are passed over (train_metrics.f1.tp, …)",
      ])
  }

  @Test("What is left over and of no such kind is an error, outside of the prefix too")
  func leftOver() throws {
    let tensors = try tensors()
    var inside = tensors
    inside["extra.weight"] = Tensor(shape: [1], storage: [0])
    #expect(failure(inside).hasPrefix("tensor extra.weight (byte "))
    #expect(failure(inside).contains("is not part of the network, so that it is another"))
    var outside = renamed(tensors) { "net." + $0 }
    outside["extra.weight"] = Tensor(shape: [1], storage: [0])
    let reason = failure(outside)
    #expect(reason.hasPrefix("tensor extra.weight (byte "), "\(reason)")
    #expect(reason.hasSuffix("else name the network without it (--weights net)"), "\(reason)")
    let model = try load(outside, weights: "net")
    check(model, equals: tensors)
    #expect(model.warnings == ["1 tensor outside of net is passed over (extra.weight)"])
  }

  /// Returns the tensors with each weight of several dimensions as a direction of another length, and
  /// its magnitude for each output.
  private func normalized(
    _ tensors: [String: Tensor], _ direction: String, _ magnitude: String
  ) -> [String: Tensor] {
    var file: [String: Tensor] = [:]
    for (name, tensor) in tensors {
      guard name.hasSuffix(".weight"), tensor.shape.count > 1 else {
        file[name] = tensor
        continue
      }
      let (module, values) = (name.dropLast("weight".count), tensor.values)
      let length = values.count / tensor.shape[0]
      let norms = (0..<tensor.shape[0]).map { output in
        values[output * length..<(output + 1) * length].reduce(0) { $0 + $1 * $1 }.squareRoot()
      }
      let ones = [Int](repeating: 1, count: tensor.shape.count - 1)
      file[module + direction] = Tensor(shape: tensor.shape, storage: values.map { $0 * 4 })
      file[module + magnitude] = Tensor(shape: [tensor.shape[0]] + ones, storage: norms)
    }
    return file
  }

  @Test(
    "Weight normalisation becomes weights",
    arguments: [
      ("weight_v", "weight_g"),
      ("parametrizations.weight.original1", "parametrizations.weight.original0"),
    ])
  func weightNormalization(direction: String, magnitude: String) throws {
    let tensors = try tensors()
    var file = normalized(tensors, direction, magnitude)
    let model = try load(renamed(file) { "net." + $0 })
    #expect(model.architecture == Self.network)
    let count = tensors.values.count { $0.shape.count > 1 }
    #expect(
      model.warnings == [
        "weight normalisation is merged into the weights that it is of (\(count))"
      ])
    for (name, tensor) in tensors {
      let found = try #require(model.weights[name]).values
      let largest = tensor.values.map(abs).max() ?? 0
      #expect(zip(found, tensor.values).allSatisfy { abs($0 - $1) <= 1e-6 * largest }, "\(name)")
    }
    file["conv1.\(magnitude)"] = Tensor(shape: [3], storage: [1, 2, 3])
    #expect(failure(file).contains("shape [3] is not that of magnitudes of conv1.\(direction)"))
    file["conv1.\(magnitude)"] = nil
    #expect(failure(file).contains("conv1"))
  }

  @Test("Networks that are known not to be read are named, and so is a part of a model")
  func others() throws {
    let some = Tensor(shape: [2, 2, 1, 1], storage: [1, 2, 3, 4])
    for (name, words) in [
      ("layer1.0.conv2.paths.0.conv.weight", "selective kernels"),
      ("stages.0.0.conv1_1x1.conv.weight", "resnet51q"), ("body.0.res_layer.1.weight", "face"),
    ] {
      let reason = failure([name: some, "visual.conv1.weight": some])
      #expect(reason.contains(words) && reason.contains("export it as ONNX"), "\(reason)")
    }
    for (name, words) in [
      ("attnpool.c_proj.weight", "image encoder of CLIP"), ("cls_token", "vision transformer"),
      ("stages.2.1.self_attn.qkv.weight", "botnet"), ("head.q.weight", "CLIP's of timm"),
      ("stages.0.0.attn.conv_attn.weight", "global context"),
      ("stages.0.0.attn.ba.conv_p.weight", "bilinear attention"),
    ] {
      let reason = failure([name: some, "visual.conv1.weight": some])
      #expect(reason.contains(words) && reason.contains("from tensors or as ONNX"), "\(reason)")
      #expect(reason.contains("take a network without it"), "\(reason)")
    }
    let part = try tensors().filter { $0.key < "fc" }
    #expect {
      _ = try Model.load(
        bytes: SafetensorsBytes.plain(part), fileName: "model-00001-of-00002.safetensors",
        options: ModelOptions(labels: ["a", "b", "c"]))
    } throws: {
      "\($0)".contains("is part 1 of 2 of a model; give the folder")
    }
  }

  @Test(
    "Parameters that are stored in another form are told by it, with the way to a state dict",
    arguments: [
      (["fc.weight_orig", "fc.weight_u", "fc.bias"], "remove_spectral_norm(module)"),
      (
        ["fc.parametrizations.weight.original", "fc.parametrizations.weight.0._u", "fc.bias"],
        "has a spectral normalisation; before you save"
      ),
      (["fc.parametrizations.weight.original", "fc.bias"], "remove_parametrizations(module"),
      (["fc.scale", "fc.zero_point"], "quantised by PyTorch"),
    ])
  func otherWeights(names: [String], words: String) throws {
    var file = try tensors().filter { !$0.key.hasPrefix("fc.") }
    for name in names { file[name] = Tensor(shape: [2, 2], storage: [1, 2, 3, 4]) }
    let reason = failure(file)
    #expect(reason.contains(words), "\(reason)")
  }

  @Test("A network without normalisations and biases is told to be one of unknown normalisations")
  func normsWithoutParameters() throws {
    let file = try tensors().filter { $0.value.shape.count > 1 || $0.key.hasPrefix("fc.") }
    let reason = failure(file)
    #expect(reason.contains("InstanceNorm2d") && reason.contains("as ONNX"), "\(reason)")
  }

  @Test("A head of modules in an unknown order points to ONNX and to the module that may be meant")
  func unknownOrder() throws {
    var file = try tensors().filter { !$0.key.hasPrefix("fc.") }
    for name in ["a", "b"] {
      file["fc.\(name).weight"] = Tensor(shape: [3, 8], storage: [Float](repeating: 1, count: 24))
    }
    let reason = failure(file)
    #expect(reason.contains("as ONNX") && reason.contains("--arch head=fc.NAME"), "\(reason)")
  }

  @Test(
    "A module beside the classifier that is named is left out only if it cannot stand before it")
  func besideTheHead() throws {
    func load(_ name: String, _ shape: [Int]) throws -> Model {
      var file = try tensors()
      file[name] = Tensor(
        shape: shape, storage: [Float](repeating: 1, count: shape.reduce(1, *)))
      var options = ModelOptions(labels: ["a", "b", "c"])
      options.variant.head = "fc"
      return try Model.load(bytes: SafetensorsBytes.plain(file), fileName: "x", options: options)
    }
    let model = try load("auxiliary.weight", [5, 8])
    #expect(model.assumptions.contains { $0.hasPrefix("auxiliary is no part of the way") })
    let cases: [(name: String, shape: [Int])] = [
      ("neck.weight", [8, 8]), ("bnneck.weight", [8]), ("scale", [1]),
    ]
    for (name, shape) in cases {
      let error = #expect(throws: CheckpointError.self) { try load(name, shape) }
      #expect(
        error?.description.contains("may stand between the pool and the classifier fc") == true,
        "\(name): \(error.map { "\($0)" } ?? "")")
    }
  }

  @Test("Modules that begin with an underscore are wrappers only where nothing stands beside them")
  func wrappers() throws {
    let tensors = try tensors()
    let plain = try load(tensors)
    let wrapped = try load(
      renamed(tensors) { $0.replacing("layer1.", with: "layer1._orig_mod.") })
    #expect(wrapped.graph == plain.graph)
    var file = renamed(tensors) { $0.replacing("layer1.", with: "layer1._orig_mod.") }
    file["layer1._other.weight"] = Tensor(shape: [4], storage: [1, 2, 3, 4])
    #expect(failure(file).contains("no tensor layer1.0.conv1.weight"))
  }

  @Test("An exponent of a pool must be above zero, and that of a module that may be one")
  func exponents() throws {
    var file = try tensors()
    let exponents = [
      Tensor(shape: [1], storage: [3]),
      Tensor(shape: [1, 8, 1, 1], storage: [Float](repeating: 3, count: 8)),
    ]
    for exponent in exponents {
      file["pool.p"] = exponent
      let model = try load(file)
      #expect(
        model.assumptions.contains { $0.contains("generalised mean (GeM) of the exponent pool.p") })
      #expect(!model.assumptions.contains { $0.contains("average pooling") })
    }
    file["pool.p"] = Tensor(shape: [1], storage: [0])
    #expect(failure(file).contains("an exponent is 0.0, and must be above 0"))
    file["pool.p"] = nil
    file["dropout.p"] = Tensor(shape: [1], storage: [0.5])
    #expect(failure(file).contains("dropout.p"))
  }

  @Test(
    "Mean and deviation in the file become those of the contract", arguments: [1, 255] as [Float])
  func normalization(scale: Float) throws {
    let tensors = try tensors()
    var file = renamed(tensors) { "model." + $0 }
    let (mean, std): ([Float], [Float]) = ([0.5, 0.25, 0.125], [0.5, 0.25, 0.75])
    file["normalize.mean"] = Tensor(shape: [1, 3, 1, 1], storage: mean.map { $0 * scale })
    file["normalize.std"] = Tensor(shape: [1, 3, 1, 1], storage: std.map { $0 * scale })
    let model = try load(file)
    check(model, equals: tensors)
    #expect(model.preprocessing.mean == mean && model.preprocessing.std == std)
    #expect(
      model.warnings == [
        "mean [0.5, 0.25, 0.125] and std [0.5, 0.25, 0.75] of the preprocessing are those of its "
          + "tensor normalize.mean"
      ])
    let given = try Preprocessing.cifar10(mean: [0, 0, 0], std: [1, 1, 1])
    let told = try Model.load(
      bytes: SafetensorsBytes.plain(file), fileName: "x",
      options: ModelOptions(labels: ["a", "b", "c"], preprocessing: given))
    #expect(told.preprocessing == given && told.warnings.isEmpty)
  }

  /// The same network with other numbers.
  private func doubled(_ tensors: [String: Tensor]) -> [String: Tensor] {
    tensors.mapValues { Tensor(shape: $0.shape, storage: $0.values.map { $0 * 2 }) }
  }

  @Test(
    "Two networks in one file are named, and one is chosen by its name",
    arguments: [("student", "teacher"), ("model", "ema_model"), ("a.net", "b.net")])
  func several(first: String, second: String) throws {
    let tensors = try tensors()
    let other = doubled(tensors)
    let file = renamed(tensors) { "\(first).\($0)" }
      .merging(renamed(other) { "\(second).\($0)" }) { $1 }
    let names = [first, second].sorted().joined(separator: ", ")
    #expect(
      failure(file)
        == "the file holds several networks: \(names); choose one (--weights NAME, in an upload "
        + "?weights=NAME)")
    check(try load(file, weights: first), equals: tensors)
    let model = try load(file, weights: String(second.split(separator: ".")[0]))
    check(model, equals: other)
    #expect(model.warnings.count == 1)
    #expect(model.warnings[0].hasPrefix("\(tensors.count) tensors outside of \(second) are passed"))
    #expect(
      failure(file, weights: "other")
        == "the file has no weights \"other\", it has \(names)")
  }

  @Test("A word of a name is enough where no whole part has it")
  func words() throws {
    let tensors = try tensors()
    var both = renamed(tensors) { "model." + $0 }
    let average = renamed(tensors) { "model_ema.module." + $0 }
    both.merge(average.mapValues { Tensor(shape: $0.shape, storage: $0.values.map { $0 * 2 }) }) {
      $1
    }
    let chosen = try load(both, weights: "ema").weights["conv1.weight"]?.values
    #expect(chosen == tensors["conv1.weight"]?.values.map { $0 * 2 })
    // A whole part comes first.
    #expect(try load(both, weights: "model").weights["conv1.weight"]?.values != chosen)
  }

  @Test("Mean and deviation on different scales are refused")
  func scales() throws {
    var tensors = try tensors()
    tensors["normalize.mean"] = Tensor(shape: [3], storage: [123, 116, 103])
    tensors["normalize.std"] = Tensor(shape: [3], storage: [0.2, 0.2, 0.2])
    #expect(failure(tensors).contains("are not both for pixels"))
    tensors["normalize.std"] = Tensor(shape: [3], storage: [58, 57, 57])
    #expect(try load(tensors).preprocessing.std[0] == 58 / 255)
    // OpenMMLab's way to say that pixels are divided by 255.
    tensors["normalize.mean"] = Tensor(shape: [3], storage: [0, 0, 0])
    tensors["normalize.std"] = Tensor(shape: [3], storage: [255, 255, 255])
    #expect(try load(tensors).preprocessing.std == [1, 1, 1])
    tensors["normalize.mean"] = Tensor(shape: [3], storage: [0.485, 0.456, 0.406])
    #expect(failure(tensors).contains("are not both for pixels"))
  }

  @Test("Of two pairs in one place, those of the same name belong together")
  func pairs() throws {
    var tensors = try tensors()
    tensors["mean"] = Tensor(shape: [3], storage: [0.5, 0.5, 0.5])
    tensors["pixel_std"] = Tensor(shape: [3], storage: [58, 57, 57])
    tensors["pixel_mean"] = Tensor(shape: [3], storage: [123, 116, 103])
    tensors["std"] = Tensor(shape: [3], storage: [0.2, 0.2, 0.2])
    #expect(try load(tensors).preprocessing.std == [0.2, 0.2, 0.2])
  }

  @Test("ImageNet's mean for blue, green and red says the order of colours, which is told")
  func reversed() throws {
    var tensors = try tensors()
    tensors["pixel_mean"] = Tensor(shape: [3], storage: [103.53, 116.28, 123.675])
    tensors["pixel_std"] = Tensor(shape: [3], storage: [1, 1, 1])
    let model = try load(tensors)
    #expect(model.preprocessing.channelOrder == .bgr)
    #expect(model.preprocessing.std[0] == Float(1) / 255)
    #expect(model.warnings.contains { $0.contains("blue, green and red") })
  }

  @Test("Another mean or deviation than those in use is told, and those in use are not")
  func conflicts() throws {
    var tensors = try tensors()
    tensors["mean"] = Tensor(shape: [3], storage: [0.5, 0.5, 0.5])
    tensors["std"] = Tensor(shape: [3], storage: [0.2, 0.2, 0.2])
    func told() throws -> [String] { try load(tensors).warnings.filter { $0.contains("another") } }
    #expect(try told().isEmpty)
    tensors["pixel_mean"] = Tensor(shape: [3], storage: [0.4, 0.4, 0.4])
    #expect(
      try told() == ["1 tensor with another mean or deviation is passed over (pixel_mean)"])
  }

  @Test("A file of one network has no weights to choose")
  func native() throws {
    let model = try load(try tensors())
    var bytes: [UInt8] = []
    try model.write { span throws(CheckpointError) in
      unsafe span.withUnsafeBytes { unsafe bytes += $0 }
    }
    var options = ModelOptions()
    options.weights = "ema"
    #expect(throws: CheckpointError.oneNetwork) {
      try Model.load(bytes: bytes, fileName: "x", options: options)
    }
  }

  @Test("Networks that cannot be recognised cost no more than their names")
  func hostileNames() {
    // Four times the names take four times as long, sixteen times where each is compared with each.
    let few = cost(ofNames: 5_000)
    let many = cost(ofNames: 20_000)
    #expect(many < few * 10, "\(many) for four times the names of \(few)")
  }

  /// Processor time to refuse so many names, every part of which begins a tree of its own.
  private func cost(ofNames count: Int) -> Duration {
    let names = (0..<count).map { index in
      (0..<12).map { "\((index >> $0) & 1)" }.joined(separator: ".") + ".\(index)"
    }
    let file = Dictionary(
      uniqueKeysWithValues: names.map { ($0, Tensor(shape: [1], storage: [0])) })
    let start = threadProcessorTime()
    #expect(failure(file).contains("no tensor conv1.weight"))
    return threadProcessorTime() - start
  }
}
