package import Imaging

/// Facts that a file may lack and that whoever loads it can supply.
package struct ModelOptions: Sendable, Hashable {
  /// Names of the classes in order; they override the file's. Needed for files from other tools.
  package var labels: [String]?
  /// What the operator should know of how these labels were read, for the model's warnings.
  package var labelsNote: String?
  /// What the file has of labels that are not as many as its classes, for the words of a refusal.
  var unfitLabels: String?
  /// Whether a file without labels is accepted anyway, with the numbers of its classes as labels.
  package var numbersClasses = false
  /// Contract that overrides the file's, and the usual one of files from other tools.
  package var preprocessing: Preprocessing?
  /// Whether a network that is described for another size of images than the contract's is taken
  /// for that of the contract, if its parameters are the same for any size. Its answers are worse
  /// than before until it is trained on.
  package var resizesNetwork = false
  /// Meaning of the outputs that overrides the file's.
  package var output: OutputRule?
  /// Activation that overrides that of `output` and of the file.
  package var activation: OutputRule.Activation?
  /// Name that overrides the file's name for the model.
  package var name: String?
  /// Name of one of several networks in a file, such as `ema`.
  package var weights: String?
  /// What the tensors of other programs' files leave open of their network.
  package var variant = NetworkVariant()
  /// Name of the output that has the classes, for an ONNX file with several.
  package var outputName: String?
  /// Source of everything not chosen here, for a file without a document of its own.
  package var completion: ModelCompletion?
  /// Whether an ONNX file's tensors may lie in other files of its folder.
  ///
  /// For files that the operator names, never for those that somebody sent.
  package var readsExternalData = false
  /// Who grants the memory that reading takes.
  package var memory = LoadingMemory()
  /// A way for the caller to stop loading.
  package var interruption = Interruption()

  package init(
    labels: [String]? = nil, preprocessing: Preprocessing? = nil, name: String? = nil
  ) {
    self.labels = labels
    self.preprocessing = preprocessing
    self.name = name
  }
}

/// Everything that a file without a document can take from another model with as many classes.
package struct ModelCompletion: Sendable, Hashable {
  package let labels: [String]
  package let preprocessing: Preprocessing
  package let output: OutputRule
  /// Name for a file that has no name of its own.
  package let name: String

  package init(
    labels: [String], preprocessing: Preprocessing, output: OutputRule = OutputRule(), name: String
  ) {
    self.labels = labels
    self.preprocessing = preprocessing
    self.output = output
    self.name = name
  }
}

extension ModelOptions {
  /// Returns the options for a file with such a document, completed if the file has none.
  func completed(for document: ModelDocument?) -> ModelOptions {
    guard let completion, document == nil, labels == nil else { return self }
    var options = self
    options.labels = completion.labels
    options.preprocessing = preprocessing ?? completion.preprocessing
    options.name = name ?? completion.name
    return options
  }
}
