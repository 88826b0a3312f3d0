package import Checkpoint

/// Parts of a model that the command line gives beside its file; they win over the file.
package struct ModelParts: CommandSettings, Equatable {
  /// A file with one label per line.
  package var labels: String?
  /// A preset's name, JSON, or a file with JSON.
  package var preprocess: String?
  package var name: String?
  /// Meaning of the outputs.
  package var activation: OutputRule.Activation?
  /// Name of one of several networks in the file.
  package var weights: String?
  /// What the file's tensors leave open of its network.
  package var variant: String?
  /// The output of an ONNX file that has the classes.
  package var outputName: String?

  package init() {}

  /// Options of commands that take any model; the name is an option of those that write one.
  static func options<Settings>(
    of parts: any WritableKeyPath<Settings, ModelParts> & Sendable
  ) -> [Option<Settings>] {
    let options: [Option<ModelParts>] = [
      .optionalText("labels", "FILE", \.labels, labelsHelp),
      .optionalText("preprocess", "CONTRACT", \.preprocess, preprocessHelp),
      .optionalChoice("activation", \.activation, activationHelp),
      .optionalText("weights", "NAME", \.weights, weightsHelp),
      .optionalText("arch", "VARIANT", \.variant, variantHelp),
      .optionalText("output-name", "NAME", \.outputName, outputNameHelp),
    ]
    return options.map { $0.inside(parts) }
  }

  static let modelHelp =
    "model file, or an embedded model: "
    + EmbeddedModel.allCases.map { $0 == .usual ? "\($0.name) (the default)" : $0.name }
    .joined(separator: ", ")
  static let labelsHelp = "one label per line, for a model without"
  static let activationHelp =
    "what the outputs mean: mutually exclusive classes, independent labels, or scores"
  static let weightsHelp = "which of a file's networks, where it holds several: ema, model, …"
  static let variantHelp =
    "which network the tensors belong to, where they leave it open: resnetaa50d, v1, stride=v1,…"
  static let outputNameHelp = "the output that has the classes, for ONNX with several"
  static let preprocessHelp =
    "how images are prepared: imagenet, imagenet-v2, imagenet-64, cifar10, JSON, or a file with JSON"
}
