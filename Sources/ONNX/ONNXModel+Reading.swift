extension ONNXModel {
  /// Reads a file's bytes. Nothing else is opened: external data stays a location.
  package init(bytes: RawSpan) throws(ONNXError) {
    let file = try ParsedFile(bytes)
    self = try file.model()
  }
}
