package import Checkpoint

/// Source of the model that a server began with, which is not in its store until another one is
/// live.
package struct FirstModel: Sendable {
  /// Path of its file, or nil for the embedded model.
  private let path: String?
  private let options: ModelOptions
  /// Whether it is to stay live over restarts, whatever the options name then.
  package let isChosen: Bool

  /// - Parameters:
  ///   - options: The options that it was loaded with.
  ///   - isChosen: Whether it is to stay live over restarts, whatever the options name then.
  package init(path: String?, options: ModelOptions, isChosen: Bool = false) {
    self.isChosen = isChosen
    self.path = path
    self.options = options
  }

  /// Reads it, with the version of the one file that `writeFile` or `writeWhole` makes of it, as a
  /// store has it.
  package func load() throws(CheckpointError) -> Model {
    let model =
      if let path { try Model.load(path: path, options: options) } else {
        try Model.embedded(options: options)
      }
    return isAsFile ? model : try model.versionedAsWritten()
  }

  /// Whether no option changes or completes the file's content.
  package var isAsFile: Bool {
    options.labels == nil && options.preprocessing == nil && options.name == nil
      && options.output == nil && options.activation == nil
      && options.weights == nil && !(path.map(Model.isFolder) ?? false)
      && options.outputName == nil && options.variant.isEmpty
  }

  /// Hands over the file's own bytes.
  func writeFile(to body: (RawSpan) throws(CheckpointError) -> Void) throws(CheckpointError) {
    try Model.readFile(path, body)
  }

  /// Hands over the bytes of one file with the content of the file, its tensors in other files and
  /// the options.
  ///
  /// - Parameter version: The version that the server began with; another one is rejected.
  func writeWhole(
    _ version: ModelVersion, to body: (RawSpan) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    let model = try load()
    guard model.version == version else {
      throw .file(path: path ?? "-", doing: "use", reason: "it has changed since the start")
    }
    try model.write(to: body)
  }
}
