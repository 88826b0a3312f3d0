/// Translates other programs' names of parameters into torchvision's, which the graph uses.
///
/// - torchvision, timm: `layer1.0.conv1`, `layer1.0.downsample.0`, `fc`.
/// - Hugging Face: `resnet.encoder.stages.0.layers.0.layer.0.convolution`, `classifier.1`.
/// - akamaster/pytorch_resnet_cifar10: `layer1.0.shortcut.0`, `linear`.
enum ParameterNames {
  /// Wrappers that other programs put around the network.
  private static let prefixes = ["module.", "model.", "backbone.", "resnet."]
  private static let classifiers: Set<String> = ["fc", "linear", "classifier", "classifier.1"]

  /// Returns the canonical name; a name without a rule is returned without its prefix.
  static func canonical(_ name: String) throws(CheckpointError) -> String {
    var rest = Substring(name)
    while let prefix = prefixes.first(where: { rest.hasPrefix($0) }) {
      rest = rest.dropFirst(prefix.count)
    }
    guard let dot = rest.lastIndex(of: ".") else { return String(rest) }
    let module = rest[..<dot]
    let parts = module.split(separator: ".", omittingEmptySubsequences: false)
    if let reason = unsupported(parts) { throw .unsupported("\(reason) (tensor \(name))") }
    return translated(module, parts) + rest[dot...]
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
    if parts.starts(with: ["encoder", "stages"]), parts.count >= 7, parts[3] == "layers",
      let stage = Int(parts[2]), 0..<Int.max ~= stage
    {
      return huggingFace(Array(parts[5...])).map { "layer\(stage + 1).\(parts[4]).\($0)" }
        ?? String(module)
    }
    if parts.count == 4, parts[0].hasPrefix("layer"), parts[2] == "shortcut" {
      return "\(parts[0]).\(parts[1]).downsample.\(parts[3])"
    }
    return String(module)
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

  /// Names relatives of the family that share its names but compute something else.
  private static func unsupported(_ parts: [Substring]) -> String? {
    if parts.count == 2, parts[0] == "conv1", Int(parts[1]) != nil {
      return "a deep stem of several convolutions (ResNet-C, ResNet-D)"
    }
    if parts.contains("se") { return "squeeze-and-excitation" }
    if parts.contains("attn") { return "attention in a block" }
    if parts.suffix(2) == ["downsample", "2"] {
      return "shortcuts with average pooling (ResNet-D)"
    }
    return nil
  }
}
