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
