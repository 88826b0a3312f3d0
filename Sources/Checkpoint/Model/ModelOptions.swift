package import Imaging

/// What a file may not say and whoever loads it can.
package struct ModelOptions: Sendable, Hashable {
  /// Names of the classes in order; they win over the file's. Needed for files from other tools.
  package var labels: [String]?
  /// Whether a file that names no classes is taken all the same, with their numbers for labels.
  package var numbersClasses = false
  /// Wins over the file's contract, and over what is taken for files from other tools.
  package var preprocessing: Preprocessing?
  /// Wins over the file's name for the model.
  package var name: String?
  /// For a file without a document of its own: in the place of what is not chosen here.
  package var completion: ModelCompletion?
  /// Whether an ONNX file's tensors may lie in other files of its own folder: for files that the operator names, never
  /// for what somebody sent.
  package var readsExternalData = false
  /// How whoever loads it ends that.
  package var interruption = Interruption()

  package init(
    labels: [String]? = nil, preprocessing: Preprocessing? = nil, name: String? = nil
  ) {
    self.labels = labels
    self.preprocessing = preprocessing
    self.name = name
  }
}

/// What a file that says nothing of its use can take from another model with as many classes.
package struct ModelCompletion: Sendable, Hashable {
  package let labels: [String]
  package let preprocessing: Preprocessing
  /// For a file that has no name of its own.
  package let name: String

  package init(labels: [String], preprocessing: Preprocessing, name: String) {
    self.labels = labels
    self.preprocessing = preprocessing
    self.name = name
  }
}

extension ModelOptions {
  /// The options for a file with such a document: with the completion in the place of what was not chosen, where the
  /// file has none.
  func completed(for document: ModelDocument?) -> ModelOptions {
    guard let completion, document == nil, labels == nil else { return self }
    var options = self
    options.labels = completion.labels
    options.preprocessing = preprocessing ?? completion.preprocessing
    options.name = name ?? completion.name
    return options
  }
}
