/// What a file may not say and whoever loads it can.
package struct ModelOptions: Sendable, Hashable {
  /// Names of the classes in order; they win over the file's. Needed for files from other tools.
  package var labels: [String]?
  /// Wins over the file's name for the model.
  package var name: String?

  package init(labels: [String]? = nil, name: String? = nil) {
    self.labels = labels
    self.name = name
  }
}
