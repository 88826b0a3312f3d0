package import Checkpoint

/// Where the model came from that a server began with, which is not in its store until another one is live.
package struct FirstModel: Sendable {
  /// Nil for the embedded model.
  private let path: String?
  private let options: ModelOptions

  /// - Parameter options: Those that it was loaded with.
  package init(path: String?, options: ModelOptions) {
    self.path = path
    self.options = options
  }

  /// Whether no option changes or completes what the file says.
  var isAsFile: Bool {
    options.labels == nil && options.preprocessing == nil && options.name == nil
  }

  /// Hands over the file's own bytes.
  func writeFile(to body: (RawSpan) throws(CheckpointError) -> Void) throws(CheckpointError) {
    try Model.readFile(path, body)
  }

  /// Hands over the bytes of one file that says what the file, its tensors in other files and the options say together.
  ///
  /// - Parameter version: What the server began with; another one is refused.
  func writeWhole(
    _ version: ModelVersion, to body: (RawSpan) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    let model =
      if let path { try Model.load(path: path, options: options) } else {
        try Model.embeddedDefault(options: options)
      }
    guard model.version == version else {
      throw .file(path: path ?? "-", doing: "use", reason: "it has changed since the start")
    }
    try model.write(to: body)
  }
}
