import Words

/// Networks that are not read from tensors alone, told by parts of their tensors' names, for the words
/// of a refusal.
enum OtherBody {
  /// A network by its modules, or two that stand in each other, any of which tells it.
  struct Sign {
    let parts: Set<Substring>
    let network: String
    /// Whether it multiplies results of the image by each other, which no file makes possible.
    var hasAttention = false
  }

  private static let signs = [
    Sign(
      parts: ["cls_token", "patch_embed", "patch_embedding"], network: "a vision transformer",
      hasAttention: true),
    Sign(
      parts: ["attnpool"], network: "an image encoder of CLIP, which pools by attention",
      hasAttention: true),
    Sign(
      parts: ["self_attn"],
      network:
        "a network with attention over pixels in its blocks (botnet, halonet, lambda_resnet)",
      hasAttention: true),
    Sign(
      parts: ["conv_attn", "conv_mask"],
      network: "a network whose blocks weigh pixels by attention (global context, gcresnet)",
      hasAttention: true),
    Sign(
      parts: ["ba"], network: "a network of bilinear attention (bat_resnext)", hasAttention: true),
    Sign(
      parts: ["q", "kv", "qkv"],
      network: "a network with attention over pixels (CLIP's of timm "
        + "and others)", hasAttention: true),
    Sign(
      parts: ["fc_select", "paths"],
      network: "a network of selective kernels (timm's skresnet)"),
    Sign(
      parts: ["conv1_1x1", "conv2_kxk"],
      network:
        "a network of blocks of one's own (timm's resnet51q, resnet61q, regnetz and others)"),
    Sign(
      parts: ["dwconv", "conv_dw", "depthwise_conv"],
      network: "a network of depthwise convolutions"),
    Sign(parts: ["denseblock1"], network: "a DenseNet"),
    Sign(
      parts: ["res_layer", "shortcut_layer"],
      network:
        "a face network in the form of face.evoLVe and InsightFace_Pytorch (IR-50 and others)"),
    Sign(parts: ["conv2.bn0"], network: "a network of split attention (ResNeSt)"),
    Sign(
      parts: ["bn0"],
      network: "a face network whose blocks begin with a normalisation bn0 (resnet_face18)"),
  ]

  /// Returns what has such names; nil if that is not known.
  static func network(of names: some Sequence<String>) -> Sign? {
    var found: Set<Substring> = []
    let wanted = signs.reduce(into: Set<Substring>()) { $0.formUnion($1.parts) }
    for name in names {
      let parts = name.split(separator: ".")
      found.formUnion(parts.filter(wanted.contains))
      for (outer, inner) in zip(parts, parts.dropFirst()) {
        let pair = name[outer.startIndex..<inner.endIndex]
        if wanted.contains(pair) { found.insert(pair) }
      }
    }
    return signs.first { !$0.parts.isDisjoint(with: found) }
  }

  /// Parts of the names of networks that have attention over pixels.
  private static let attentions = [
    "bat_res", "beit", "bot", "coatnet", "deit", "gcres", "halo", "lambda_res", "maxvit",
    "mobilevit", "swin", "vit_",
  ]
  /// Beginnings of names of timm's and torchvision's networks that are no typing errors for those that
  /// are read.
  private static let beginnings = [
    "bat_res", "beit", "botnet", "coatnet", "convnext", "csp", "deit", "densenet", "dla", "dpn",
    "eca_", "efficientnet", "ese_vovnet", "gcres", "ghostnet", "googlenet", "gernet", "halo",
    "hrnet", "inception", "lambda_res", "lamhalo", "legacy_xception", "maxvit", "mixnet", "mnasnet",
    "mobilenet", "mobilevit", "nf_", "nfnet", "regnet", "repvgg", "res2ne", "resmlp", "resnest",
    "rexnet", "sebotnet", "sehalonet", "shufflenet", "skres", "squeezenet", "swin", "tf_",
    "tresnet", "vgg", "vit_", "xception",
  ]
  /// Endings of names of residual networks with other blocks.
  private static let endings = [
    "ts", "1q", "_clip", "_clip_gap", "_evos", "_frn", "_mlp",
  ]

  /// Returns why a published network is not read from tensors, and what to do, if a name, with or
  /// without its maker and what it was trained on, is that of one.
  static func refusal(ofNetworkNamed fullName: String) -> String? {
    var name = fullName.lowercased()[...]
    if let slash = name.lastIndex(of: "/") { name = name[name.index(after: slash)...] }
    if let dot = name.firstIndex(of: ".") { name = name[..<dot] }
    let isResidual = name.containsText("resne") && name.contains { $0.isNumber }
    guard
      beginnings.contains(where: { name.hasPrefix($0) })
        || isResidual && endings.contains(where: { name.hasSuffix($0) })
    else { return nil }
    guard
      attentions.contains(where: { name.containsText($0) })
        || isResidual && name.hasSuffix("_clip")
    else {
      return "is the name of a network whose body is not read from tensors; others are read from "
        + "ONNX files: export it as ONNX"
    }
    return "is the name of a network with attention over pixels, which is not computed here, from "
      + "tensors or as ONNX; \(attentionRemedy)"
  }
}

/// Forms in which parameters are stored that are not those of a network by themselves, told by names.
enum OtherWeights {
  /// Returns what makes a state dict that is read of parameters in such a form; nil if they are in
  /// none.
  static func remedy(for names: Set<String>) -> String? {
    func has(_ name: String, _ ending: String, beside other: String) -> Bool {
      name.hasSuffix(ending) && names.contains(name.dropLast(ending.count) + other)
    }
    if names.contains(where: {
      $0.containsText("_packed_params") || has($0, ".zero_point", beside: ".scale")
    }) {
      return
        "some of its layers are quantised by PyTorch (quantize_dynamic and the like); save the "
        + "state dict of the network before it is quantised, or export that as ONNX"
    }
    if let name = names.filter({ has($0, "_orig", beside: "_u") }).min() {
      return
        "\(name.prefix(80)) has a spectral normalisation; before you save the state dict, compute "
        + "the weight in Python: torch.nn.utils.remove_spectral_norm(module)"
    }
    if let name = names.filter({ has($0, "_orig", beside: "_mask") }).min() {
      return
        "\(name.prefix(80)) is pruned; before you save the state dict, make it permanent in Python: "
        + "torch.nn.utils.prune.remove(module, \"weight\")"
    }
    guard
      let name = names.filter({ $0.containsText("parametrizations.") && $0.hasSuffix(".original") })
        .min()
    else { return nil }
    let isSpectral = names.contains { $0.hasSuffix("._u") }
    return
      "\(name.prefix(80)) has a \(isSpectral ? "spectral normalisation" : "parametrisation"); before "
      + "you save the state dict, compute the weight in Python: "
      + "torch.nn.utils.parametrize.remove_parametrizations(module, \"weight\")"
  }
}

extension CheckpointError {
  /// Returns the error of a network that was not recognised, or a better one where the names of the
  /// file or of its tensors tell what it is.
  func explained(by file: TensorFile, named fileName: String) -> CheckpointError {
    switch self {
    case .unsupported, .missingTensor, .unknownTensor, .tensorShape, .variant: break
    default: return self
    }
    if let (part, count) = ShardedTensors.part(fileName) {
      return .notModel(
        found: "\(fileName) is part \(part) of \(count) of a model",
        remedy:
          "give the folder that holds all of them and their index (….index.json) on a command "
          + "line; for an upload make one file of it: resnetd convert FOLDER model.safetensors")
    }
    if let sign = OtherBody.network(of: file.groups.lazy.flatMap { $0.entries.map(\.name) }) {
      guard !sign.hasAttention else {
        return .unsupported(
          "the tensors are those of \(sign.network), which is not computed here, from tensors or as "
            + "ONNX; \(attentionRemedy)")
      }
      return .unsupported(
        "the tensors are those of \(sign.network), whose body is none of those that are read from "
          + "tensors; others are read from ONNX files: export it as ONNX")
    }
    let names = file.groups.flatMap { $0.entries.map(\.name) + Array($0.placeholders.keys) }
    if let remedy = OtherWeights.remedy(for: Set(names)) { return .unsupported(remedy) }
    if case .missingTensor(let name, _) = self, name.hasSuffix(".bias"), isWithoutNorms(file) {
      return .unsupported(
        "the file has neither normalisations nor \(name.prefix(80)), as convolutions that normalisations "
          + "were merged into have; if the network's have no parameters (InstanceNorm2d as it is "
          + "without affine=True), export it as ONNX")
    }
    return self
  }

  /// Returns whether no tensor is one of a normalisation, the scale of each channel, or the bias of a
  /// convolution.
  private func isWithoutNorms(_ file: TensorFile) -> Bool {
    !file.groups.contains { group in
      let kernels = Set(group.entries.lazy.filter { $0.shape.count == 4 }.map(\.name))
      return group.entries.contains { entry in
        guard entry.shape.count == 1 else { return false }
        return entry.name.hasSuffix("weight")
          || entry.name.hasSuffix("bias") && kernels.contains(entry.name.dropLast(4) + "weight")
      }
    }
  }
}
