import ResNet
import Words

/// Translates other programs' names of parameters into torchvision's, which the graph uses.
///
/// - torchvision, timm: `layer1.0.conv1`, `layer1.0.downsample.0`, `fc`.
/// - Hugging Face: `resnet.encoder.stages.0.layers.0.layer.0.convolution`, `classifier.1`
///   where nothing stands beside it; its BiT: `bit.encoder.stages.0.layers.0.norm1`.
/// - akamaster/pytorch_resnet_cifar10: `layer1.0.shortcut.0`, `linear`.
/// - timm's ResNetV2: `stem.conv`, `stages.0.blocks.0.norm1`, `norm`.
/// - OpenMMLab's deep stems: `stem.0` to `stem.7`.
/// - Cadene/pretrained-models.pytorch: `layer0.conv1`; others, who put the first modules into a
///   Sequential: `layer0.0`.
/// - Wide ResNets of xternalz and others: `block1.layer.0.convShortcut`.
/// - weiaicunzai/pytorch-cifar100: `conv2_x.0.residual_function.0`, with the stem `conv1.0`.
enum ParameterNames {
  /// Wrappers that other programs put around the network.
  private static let prefixes = ["module.", "model.", "backbone.", "resnet.", "bit."]
  /// Parts of a name that is translated.
  private static let partLimit = 16
  private static let classifiers: Set<String> = ["fc", "linear", "classifier"]
  /// Hugging Face's classifier, and the module that holds it.
  private static let numberedClassifier = (parent: "classifier.", name: "classifier.1")

  /// Whether a module of this name becomes `fc`.
  static func isClassifier(_ module: String) -> Bool {
    classifiers.contains(module) || module == numberedClassifier.name
  }

  /// Returns `fc` for each parameter of Hugging Face's classifier, by its canonical name; none if other
  /// layers stand beside it.
  static func classifierTranslations(of names: some Sequence<String>) -> [String: String] {
    let names = names.filter { $0.hasPrefix(numberedClassifier.parent) }
    guard names.allSatisfy({ $0.hasPrefix("\(numberedClassifier.name).") }) else { return [:] }
    return Dictionary(
      uniqueKeysWithValues: names.map { ($0, "fc" + $0.dropFirst(numberedClassifier.name.count)) })
  }

  /// Returns the canonical name; a name without a rule is returned without its prefix.
  static func canonical(_ name: String) throws(CheckpointError) -> String {
    var rest = Substring(name)
    while let prefix = prefixes.first(where: { rest.hasPrefix($0) }) {
      rest = rest.dropFirst(prefix.count)
    }
    guard let dot = rest.lastIndex(of: ".") else { return String(rest) }
    let module = rest[..<dot]
    guard module.utf8.count(where: { $0 == UInt8(ascii: ".") }) < partLimit else {
      return String(rest)
    }
    let parts = module.split(separator: ".", omittingEmptySubsequences: false)
    if parts.contains("attn") {
      throw .unsupported("attention in a block (tensor \(name)); export the network as ONNX")
    }
    return translated(module, parts) + rest[dot...]
  }

  /// Returns names of tensors, by their own, without the modules that wrap others inside of a network:
  /// those of PyTorch begin with an underscore (`_orig_mod` of `torch.compile`, `_fsdp_wrapped_module`,
  /// `_checkpoint_wrapped_module`) or are called `module` (DataParallel).
  ///
  /// A wrapper is all that the module around it holds. One around the whole network is a prefix like
  /// others.
  static func withoutWrappers(_ names: [Substring]) -> [Substring: String] {
    var inside: [Substring: Set<Substring>] = [:]
    let wrapped = names.filter { name in places(in: name).contains { isWrapper($0.part) } }
    guard !wrapped.isEmpty else { return [:] }
    for name in names {
      for place in places(in: name) { inside[place.path, default: []].insert(place.part) }
    }
    var results: [Substring: String] = [:]
    for name in wrapped {
      var kept = String(name.prefix { $0 != "." })
      var rest = name.dropFirst(kept.count)
      for place in places(in: name) {
        rest = name[place.part.endIndex...]
        if !isWrapper(place.part) || inside[place.path]?.count != 1 { kept += ".\(place.part)" }
      }
      results[name] = kept + rest
    }
    return results
  }

  private static func isWrapper(_ part: Substring) -> Bool {
    part.hasPrefix("_") || part == "module"
  }

  /// Returns the modules that a name leads through, but the outermost, each with the path of the one
  /// around it.
  private static func places(in name: Substring) -> [(path: Substring, part: Substring)] {
    let ends = name.utf8.indices.filter { name.utf8[$0] == UInt8(ascii: ".") }.prefix(partLimit)
    return zip(ends, ends.dropFirst()).map { start, end in
      (name[..<start], name[name.index(after: start)..<end])
    }
  }

  private static func translated(_ module: Substring, _ parts: [Substring]) -> String {
    if classifiers.contains(String(module)) { return "fc" }
    if parts.starts(with: ["embedder", "embedder"]), parts.count == 3 {
      switch parts[2] {
      case "convolution": return "conv1"
      case "normalization": return "bn1"
      default: return String(module)
      }
    }
    if parts == ["embedder", "convolution"] { return "conv1" }
    if parts.starts(with: ["encoder", "stages"]), parts.count >= 6, parts[3] == "layers",
      let stage = Int(parts[2]), 0..<Int.max ~= stage
    {
      let block = "layer\(stage + 1).\(parts[4])"
      let rest = Array(parts[5...])
      return huggingFace(rest).map { "\(block).\($0)" } ?? timm(rest, inBlock: block)
        ?? String(module)
    }
    if parts.count == 4, parts[0].hasPrefix("layer"), parts[2] == "shortcut" {
      return "\(parts[0]).\(parts[1]).downsample.\(parts[3])"
    }
    if parts[0] == "stem", let name = stem(parts) { return name }
    if parts[0] == "layer0", parts.count > 1 {
      let numbered: [Substring: String] = ["0": "conv1", "1": "bn1"]
      let first = numbered[parts[1]] ?? String(parts[1])
      return ([first] + parts[2...].map(String.init)).joined(separator: ".")
    }
    return timm(parts) ?? wide(parts) ?? residual(parts) ?? String(module)
  }

  /// Translates the stems of timm's ResNetV2 and of OpenMMLab.
  private static func stem(_ parts: [Substring]) -> String? {
    guard parts.count == 2 else { return nil }
    switch parts[1] {
    case "conv": return "conv1"
    case "norm": return "bn1"
    case "conv1": return "conv1.0"
    case "norm1": return "conv1.1"
    case "conv2": return "conv1.3"
    case "norm2": return "conv1.4"
    case "conv3": return "conv1.6"
    case "7": return "bn1"
    default: return Int(parts[1]).map { "conv1.\($0)" }
    }
  }

  /// Translates `stages.S.blocks.B.…` of timm's ResNetV2.
  private static func timm(_ parts: [Substring]) -> String? {
    guard parts.count >= 5, parts[0] == "stages", parts[2] == "blocks", let stage = Int(parts[1]),
      0...Architecture.stageCountLimit ~= stage
    else { return nil }
    return timm(Array(parts[4...]), inBlock: "layer\(stage + 1).\(parts[3])")
  }

  /// Translates the part in a block of ResNetV2: `norm1`, `conv1`, `downsample.conv`.
  private static func timm(_ parts: [Substring], inBlock block: String) -> String? {
    guard let first = parts.first else { return nil }
    if first == "downsample", parts.count == 2 {
      return "\(block).downsample.\(parts[1] == "norm" ? "1" : "0")"
    }
    let name = first.hasPrefix("norm") ? "bn" + first.dropFirst(4) : String(first)
    return ([block, name] + parts.dropFirst().map(String.init)).joined(separator: ".")
  }

  /// Translates `blockS.layer.B.…` of wide networks.
  private static func wide(_ parts: [Substring]) -> String? {
    guard parts.count == 4, parts[0].hasPrefix("block"), parts[1] == "layer",
      let stage = Int(parts[0].dropFirst(5)), 0...Architecture.stageCountLimit ~= stage
    else { return nil }
    let name = parts[3] == "convShortcut" ? "downsample.0" : String(parts[3])
    return "layer\(stage).\(parts[2]).\(name)"
  }

  /// Translates `convS_x.B.residual_function.M`, in which convolutions, normalisations and activations
  /// are numbered, and the shortcut beside it.
  private static func residual(_ parts: [Substring]) -> String? {
    guard parts.count == 4, parts[0].hasPrefix("conv"), parts[0].hasSuffix("_x"),
      let stage = Int(parts[0].dropFirst(4).dropLast(2)), 2...5 ~= stage,
      let place = Int(parts[3]), 0...7 ~= place
    else { return nil }
    let block = "layer\(stage - 1).\(parts[1])"
    if parts[2] == "shortcut" { return "\(block).downsample.\(place)" }
    guard parts[2] == "residual_function", place % 3 < 2 else { return nil }
    return "\(block).\(place % 3 == 0 ? "conv" : "bn")\(place / 3 + 1)"
  }

  /// Returns names of the stem of networks with blocks of this kind, by the canonical ones, which other
  /// networks have for a stem of several convolutions.
  static func stemTranslations(of given: some Sequence<Substring>) -> [String: String] {
    guard given.contains(where: { $0.containsText("conv2_x.0.residual_function.") }) else {
      return [:]
    }
    var translations: [String: String] = [:]
    for parameter in ["weight", "bias", "running_mean", "running_var"] {
      translations["conv1.0.\(parameter)"] = "conv1.\(parameter)"
      translations["conv1.1.\(parameter)"] = "bn1.\(parameter)"
    }
    return translations
  }

  /// Translates the part after `encoder.stages.S.layers.L`.
  private static func huggingFace(_ parts: [Substring]) -> String? {
    let isConvolution = parts.last == "convolution"
    guard isConvolution || parts.last == "normalization" else { return nil }
    if parts.count == 2, parts[0] == "shortcut" { return "downsample.\(isConvolution ? 0 : 1)" }
    guard parts.count == 3, parts[0] == "layer", let index = Int(parts[1]), 0...2 ~= index else {
      return nil
    }
    return "\(isConvolution ? "conv" : "bn")\(index + 1)"
  }
}
