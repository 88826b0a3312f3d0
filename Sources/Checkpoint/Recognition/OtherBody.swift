/// Networks that are not read from tensors alone, told by parts of their tensors' names, for the words
/// of a refusal.
enum OtherBody {
  /// A network by its modules, any of which tells it.
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
    Sign(
      parts: ["bn0"],
      network: "a face network whose blocks begin with a normalisation bn0 (resnet_face18)"),
  ]

  /// Returns what has such names; nil if that is not known.
  static func network(of names: some Sequence<String>) -> Sign? {
    var found: Set<Substring> = []
    let wanted = signs.reduce(into: Set<Substring>()) { $0.formUnion($1.parts) }
    for name in names {
      for part in name.split(separator: ".") where wanted.contains(part) { found.insert(part) }
    }
    return signs.first { !$0.parts.isDisjoint(with: found) }
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
    return self
  }
}
