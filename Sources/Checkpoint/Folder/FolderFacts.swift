import Imaging
import JSON
import ResNet

/// Facts about a model that lie beside its weights, each with its source.
struct FolderFacts {
  private(set) var labels: [String]?
  private(set) var labelsNote = ""
  /// Meaning of the outputs, if the folder says it.
  private(set) var activation: OutputRule.Activation?
  private(set) var preprocessing: Preprocessing?
  private(set) var preprocessingNote = ""
  /// Where bottlenecks stride, if the folder says it.
  private(set) var stridePlacement: Architecture.StridePlacement?

  init(_ folder: ModelFolder) throws(CheckpointError) {
    guard folder.names.contains(ModelFolder.config) else { return }
    let source = folder.path(of: ModelFolder.config)
    let tree = try BoundedJSON.tree(source)
    if tree.root["architecture"]?.string != nil {
      try takeTimm(tree.root, source)
    } else {
      try takeHuggingFace(tree.root, source)
      guard folder.names.contains(ModelFolder.processor) else { return }
      let processor = try BoundedJSON.tree(folder.path(of: ModelFolder.processor))
      preprocessing = try HuggingFaceContract.contract(processor.root)
      preprocessingNote = "preprocessing is that of \(ModelFolder.processor)"
    }
  }

  // MARK: Hugging Face

  private mutating func takeHuggingFace(
    _ root: JSONNode, _ source: String
  ) throws(CheckpointError) {
    if let type = root["model_type"]?.string, type != "resnet" {
      throw .unsupported(
        "\(ModelFolder.config): model_type \(type.prefix(40)), only resnet is read")
    }
    if let activation = root["hidden_act"]?.string, activation != "relu" {
      throw .unsupported(
        "\(ModelFolder.config): hidden_act \(activation.prefix(40)), only relu is read")
    }
    if root["downsample_in_first_stage"]?.boolean == true {
      throw .unsupported("\(ModelFolder.config): downsample_in_first_stage, only false is read")
    }
    if root["downsample_in_bottleneck"]?.boolean == true { stridePlacement = .in1x1 }
    switch root["problem_type"]?.string {
    case nil: break
    case "single_label_classification": activation = .softmax
    case "multi_label_classification": activation = .sigmoid
    case "regression": activation = OutputRule.Activation.none
    case .some(let type):
      throw .unsupported(
        "\(ModelFolder.config): problem_type \(type.prefix(40)); single_label_classification, "
          + "multi_label_classification and regression are read")
    }
    guard let names = root["id2label"], names.members?.isEmpty == false else { return }
    labels = try LabelDocument.labels(names, path: source)
    labelsNote = "labels are those of \(ModelFolder.config), id2label"
  }

  // MARK: timm

  /// Parts of the names of timm's networks whose tensors look like those of another.
  private static let lookalikes = ["resnetaa", "resnetblur", "resnetrs", "resnet50_gn"]

  private mutating func takeTimm(_ root: JSONNode, _ source: String) throws(CheckpointError) {
    let name = root["architecture"]?.string ?? ""
    if let part = Self.lookalikes.first(where: { name.contains($0) }) {
      throw .unsupported(
        "\(ModelFolder.config): architecture \(name.prefix(40)): networks called \(part) compute "
          + "something else than their tensors show; export it as ONNX")
    }
    let harmless: Set<String> = ["num_classes", "img_size", "in_chans", "global_pool", "drop_rate"]
    if let other = root["model_args"]?.members?.first(where: { !harmless.contains($0.name) }) {
      throw .unsupported(
        "\(ModelFolder.config): model_args \(other.name.prefix(40)) changes the network; "
          + "export it as ONNX")
    }
    if let pool = root["global_pool"]?.string, !["avg", ""].contains(pool) {
      throw .unsupported("\(ModelFolder.config): global_pool \(pool.prefix(40)), only avg is read")
    }
    preprocessing = try TimmContract.contract(root["pretrained_cfg"] ?? root)
    preprocessingNote = "preprocessing is that of \(ModelFolder.config), pretrained_cfg"
    guard let names = root["label_names"], names.array != nil else { return }
    labels = try LabelDocument.labels(names, path: source)
    labelsNote = "labels are those of \(ModelFolder.config), label_names"
  }
}
