package import Imaging

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
