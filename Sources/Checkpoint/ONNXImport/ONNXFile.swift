import ONNX

/// An ONNX file that was read and checked, with the tensors that lay in other files.
struct ONNXFile {
  let model: ONNXModel
  /// Bytes of the file and of tensors outside it.
  let byteCount: Int
  /// Whether tensors lay outside it.
  let isInSeveralFiles: Bool

  /// Reads the file, and tensors in other files of its folder; if `path` is nil, there must be
  /// none.
  init(_ bytes: ModelBytes, besideFile path: String?) throws(CheckpointError) {
    var model: ONNXModel
    var externalByteCount: Int?
    do {
      model = try bytes.withBytes(in: 0..<bytes.count) { (span) throws(ONNXError) in
        try ONNXModel(bytes: span)
      }
      if let path {
        var limits = ONNXLimits()
        limits.externalByteCountLimit = ONNXImportLimits.externalByteCount
        let external = try ExternalData(besideFile: path, limits: limits)
        externalByteCount = try model.include(
          external, byteCountLimit: limits.externalByteCountLimit)
      }
    } catch { throw CheckpointError(error, byteCount: bytes.count) }
    self.model = model
    byteCount = bytes.count + (externalByteCount ?? 0)
    isInSeveralFiles = externalByteCount != nil
  }
}

extension CheckpointError {
  /// Translates the reader's error; `byteCount` is that of the file.
  init(_ error: ONNXError, byteCount: Int) {
    switch error {
    case .overLimit(let what, let value, let limit):
      self = .overLimit(what: what, value: value, limit: limit)
    case .outOfMemory: self = .outOfMemory(byteCount: byteCount)
    default: self = .onnx(reason: error.description)
    }
  }
}
