package import Checkpoint

/// Where the model came from that a server began with, which is not in its store until another one is live.
package struct FirstModel: Sendable {
  /// Nil for the embedded model.
  private let path: String?
  private let options: ModelOptions

  package init(path: String?, options: ModelOptions) {
    self.path = path
    self.options = options
  }

  /// Whether what `write` hands over is the file itself, with its version.
  var isFile: Bool { options == ModelOptions() }

  /// Hands over the bytes of a file that needs no options: the file's own, or where options have changed or completed
  /// it, those of a file that says the same.
  ///
  /// - Parameter version: Of the file when the server began; another one is refused where it is not handed over.
  func write(
    _ version: ModelVersion, to body: (RawSpan) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    guard !isFile else {
      try Model.readFile(path, body)
      return
    }
    let model =
      if let path { try Model.load(path: path, options: options) } else {
        try Model.embeddedDefault(options: options)
      }
    guard model.version == version else { throw Self.changed(path) }
    try model.write(to: body)
  }

  private static func changed(_ path: String?) -> CheckpointError {
    .file(path: path ?? "-", doing: "use", reason: "it has changed since the start")
  }
}
