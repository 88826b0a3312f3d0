/// Networks that are not read from tensors alone, told by parts of their tensors' names, for the words
/// of a refusal.
enum OtherBody {
  /// Modules of a network, any of which tells it.
  private static let signs: [(parts: Set<Substring>, network: String)] = [
    (["attnpool"], "an image encoder of CLIP, which pools by attention"),
    (["fc_select", "paths"], "a network of selective kernels (timm's skresnet)"),
    (
      ["conv1_1x1", "conv2_kxk"],
      "a network of blocks of one's own (timm's resnet51q, resnet61q, regnetz and others)"
    ),
    (["cls_token", "patch_embed", "patch_embedding"], "a vision transformer"),
    (["dwconv", "conv_dw", "depthwise_conv"], "a network of depthwise convolutions"),
    (["denseblock1"], "a DenseNet"),
    (
      ["res_layer", "shortcut_layer"],
      "a face network in the form of face.evoLVe and InsightFace_Pytorch (IR-50 and others)"
    ),
    (["bn0"], "a face network whose blocks begin with a normalisation bn0 (resnet_face18)"),
  ]

  /// Returns what has such names; nil if that is not known.
  static func network(of names: some Sequence<String>) -> String? {
    var found: Set<Substring> = []
    let wanted = signs.reduce(into: Set<Substring>()) { $0.formUnion($1.parts) }
    for name in names {
      for part in name.split(separator: ".") where wanted.contains(part) { found.insert(part) }
    }
    return signs.first { !$0.parts.isDisjoint(with: found) }?.network
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
    if let network = OtherBody.network(of: file.groups.lazy.flatMap { $0.entries.map(\.name) }) {
      return .unsupported(
        "the tensors are those of \(network), whose body is none of those that are read from tensors; "
          + "others are read from ONNX files: export it as ONNX")
    }
    return self
  }
}
