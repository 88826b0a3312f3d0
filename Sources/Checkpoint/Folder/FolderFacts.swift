import Imaging
import JSON
import ResNet

/// Facts about a model that lie beside its weights, each with its source.
struct FolderFacts {
  private let options: ModelOptions
  private(set) var labels: [String]?
  private(set) var labelsNote = ""
  /// Meaning of the outputs, if the folder says it.
  private(set) var activation: OutputRule.Activation?
  private(set) var preprocessing: Preprocessing?
  private(set) var preprocessingNote = ""
  /// What the folder leaves open of the preprocessing, a phrase each.
  private(set) var assumptions: [String] = []
  /// What the folder says of the network that its tensors leave open.
  private(set) var variant = NetworkVariant()

  /// Reads what nobody has chosen by `options`; what they replace need not be understood.
  init(_ folder: ModelFolder, _ options: ModelOptions) throws(CheckpointError) {
    self.options = options
    guard folder.names.contains(ModelFolder.config) else { return }
    let source = folder.path(of: ModelFolder.config)
    let tree = try BoundedJSON.tree(source)
    if tree.root["architecture"]?.string != nil {
      try takeTimm(tree.root, source)
    } else {
      try takeHuggingFace(tree.root, source)
      guard options.preprocessing == nil, folder.names.contains(ModelFolder.processor) else {
        return
      }
      let processor = try BoundedJSON.tree(folder.path(of: ModelFolder.processor))
      (preprocessing, assumptions) = try HuggingFaceContract.contract(processor.root)
      preprocessingNote = "preprocessing is that of \(ModelFolder.processor)"
    }
  }

  // MARK: Hugging Face

  private mutating func takeHuggingFace(
    _ root: JSONNode, _ source: String
  ) throws(CheckpointError) {
    variant = .usual
    variant.given = []
    if let name = root["hidden_act"]?.string {
      variant.activation = try activation(name, "hidden_act")
    }
    switch root["model_type"]?.string {
    case nil, "resnet":
      if variant.activation != .relu { variant.innerActivation = .relu }
      variant.firstStageStride = root["downsample_in_first_stage"]?.boolean == true ? 2 : 1
      variant.stridePlacement = root["downsample_in_bottleneck"]?.boolean == true ? .in1x1 : .in3x3
    case "bit": try takeBiT(root)
    case .some(let type):
      throw .unsupported(
        "\(ModelFolder.config): model_type \(type.prefix(40)), only resnet and bit are read; export "
          + "the network as ONNX")
    }
    switch root["problem_type"]?.string {
    case nil: break
    case _ where options.activation != nil || options.output != nil: break
    case "single_label_classification": activation = .softmax
    case "multi_label_classification": activation = .sigmoid
    case "regression": activation = OutputRule.Activation.none
    case .some(let type):
      throw .unsupported(
        "\(ModelFolder.config): problem_type \(type.prefix(40)); single_label_classification, "
          + "multi_label_classification and regression are read")
    }
    guard options.labels == nil, let names = root["id2label"], names.members?.isEmpty == false
    else { return }
    let read = try LabelDocument.labels(names, path: source)
    try LabelDocument.check(read, against: root, path: source)
    labels = read
    labelsNote = "labels are those of \(ModelFolder.config), id2label"
  }

  /// Takes what Hugging Face's BiT (Kolesnikov et al. 2020) has beside its tensors.
  private mutating func takeBiT(_ root: JSONNode) throws(CheckpointError) {
    if let type = root["layer_type"]?.string, type != "preactivation" {
      throw .unsupported(
        "\(ModelFolder.config): layer_type \(type.prefix(40)), only preactivation is read; export the "
          + "network as ONNX")
    }
    if let padding = root["global_padding"]?.string {
      throw .unsupported(
        "\(ModelFolder.config): global_padding \(padding.prefix(40)), which depends on the image's sides; "
          + "only null is read, export the network as ONNX")
    }
    guard root["embedding_dynamic_padding"]?.boolean != true else {
      throw .unsupported(
        "\(ModelFolder.config): embedding_dynamic_padding is true, which depends on the image's sides; "
          + "only false is read, export the network as ONNX")
    }
    (variant.stemPooling, variant.standardizesWeights) = (.maxZero, true)
    variant.averagesShortcuts = false
    variant.projectsRawInput = false
    variant.normalizationGroups = root["num_groups"]?.integer ?? 32
    guard let groups = variant.normalizationGroups, 1...Architecture.widthLimit ~= groups else {
      throw .unsupported(
        "\(ModelFolder.config): num_groups is from 1 to \(Architecture.widthLimit); export the network as "
          + "ONNX")
    }
    // Others dilate otherwise than the networks that these weights are from.
    guard root["output_stride"]?.integer ?? 32 == 32 else {
      throw .unsupported(
        "\(ModelFolder.config): output_stride is not 32, which Hugging Face dilates for in a way of its own; "
          + "export the network as ONNX")
    }
  }

  // MARK: timm

  private func activation(
    _ name: String, _ key: String
  ) throws(CheckpointError) -> NetworkVariant.Activation {
    guard let activation = NetworkVariant.Activation(name) else {
      throw .unsupported(
        "\(ModelFolder.config): \(key) \(name.prefix(40)); "
          + NetworkVariant.Activation.names.joined(separator: ", ")
          + " are read; export a network with another as ONNX")
    }
    return activation
  }

  private mutating func takeTimm(_ root: JSONNode, _ source: String) throws(CheckpointError) {
    let name = root["architecture"]?.string ?? ""
    guard let named = NetworkVariant(named: name) else {
      throw .unsupported(
        "\(ModelFolder.config): architecture \(name.prefix(40)) is not a residual network whose "
          + "tensors are read; export it as ONNX")
    }
    variant = named
    let changes: Set = [
      "layers", "stem_type", "stem_width", "cardinality", "base_width", "channels",
    ]
    if root["model_args"]?.members?.contains(where: { changes.contains($0.name) }) == true {
      variant.named = nil
    }
    for argument in root["model_args"]?.members ?? [] {
      try takeTimm(argument.name, argument.value)
    }
    // timm itself looks at the arguments alone.
    if let pool = root["global_pool"]?.string, pool != "", try pooling(pool) != variant.pooling {
      guard root["model_args"]?["global_pool"] != nil else {
        throw .unsupported(
          "\(ModelFolder.config): global_pool is \(pool.prefix(40)), and model_args, which timm "
            + "makes networks by, say nothing of it; add it there")
      }
    }
    if options.preprocessing == nil {
      preprocessing = try TimmContract.contract(root["pretrained_cfg"] ?? root)
      preprocessingNote = "preprocessing is that of \(ModelFolder.config), pretrained_cfg"
    }
    guard options.labels == nil, let names = root["label_names"], names.array != nil else { return }
    labels = try LabelDocument.labels(names, path: source)
    labelsNote = "labels are those of \(ModelFolder.config), label_names"
  }

  /// Takes an argument by which a network of timm was made.
  private mutating func takeTimm(
    _ name: String, _ value: JSONNode
  ) throws(CheckpointError) {
    switch name {
    // These show in the tensors, or are of training.
    case "num_classes", "img_size", "in_chans", "drop_rate", "drop_path_rate", "drop_block_rate",
      "stem_type", "stem_width", "channels", "layers", "cardinality", "base_width",
      "zero_init_last", "pretrained", "checkpoint_path", "exportable", "scriptable":
      break
    case "global_pool": variant.pooling = try pooling(value.string ?? "")
    case "output_stride":
      guard let stride = value.integer, [8, 16, 32].contains(stride) else {
        throw .unsupported("\(ModelFolder.config): output_stride is 8, 16 or 32")
      }
      variant.outputStride = stride
    case "act_layer":
      variant.activation = try activation(value.string ?? "", "act_layer")
    default:
      throw .unsupported(
        "\(ModelFolder.config): model_args \(name.prefix(40)) changes the network; "
          + "export it as ONNX")
    }
  }

  private func pooling(_ name: String) throws(CheckpointError) -> NetworkVariant.GlobalPooling {
    switch name {
    case "avg": return .avg
    case "max": return .max
    case "avgmax": return .mean
    case "catavgmax": return .avgMax
    default:
      throw .unsupported(
        "\(ModelFolder.config): global_pool \(name.prefix(40)); avg, max, avgmax and catavgmax are "
          + "read")
    }
  }
}
