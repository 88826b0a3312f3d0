import ONNX
import ResNet

/// An ONNX file as this program's graph and weights.
struct ONNXNetwork {
  let graph: Graph
  let weights: Weights
  /// Of a quantised graph.
  let calibration: Calibration?
  /// The file's texts by name.
  let metadata: [String: String]
  let warnings: [String]
  /// The SHA-256 of the file, or where tensors lie in other files, of the file and these tensors' bytes behind it.
  let version: ModelVersion

  /// - Parameters:
  ///   - size: Of the pictures, for files that leave it open.
  ///   - path: Of the file, in whose folder tensors may lie in other files; where it is nil, all must be in the file.
  init(
    _ bytes: ModelBytes, size: (height: Int, width: Int)?, besideFile path: String?
  ) throws(CheckpointError) {
    var model: ONNXModel
    var byteCount = bytes.count
    var digest = try SHA256()
    bytes.withBytes(in: 0..<bytes.count) { digest.update($0) }
    do {
      model = try bytes.withBytes(in: 0..<bytes.count) { (span) throws(ONNXError) in
        try ONNXModel(bytes: span)
      }
      if let path {
        var limits = ONNXLimits()
        limits.externalByteCountLimit = ONNXImportLimits.externalByteCount
        let external = try ExternalData(besideFile: path, limits: limits)
        try model.include(external, byteCountLimit: limits.externalByteCountLimit) { tensor in
          digest.update(unsafe tensor.span.bytes)
          byteCount += tensor.count
        }
      }
    } catch { throw CheckpointError(error, byteCount: bytes.count) }
    version = ModelVersion(digest: digest.finish())
    var importer = try ONNXImporter(model, byteCount: byteCount, size: size)
    try importer.importNodes()
    (graph, weights) = try importer.result()
    calibration = importer.calibration(of: graph)
    metadata = model.metadata
    warnings = importer.warnings
  }
}

extension CheckpointError {
  /// - Parameter byteCount: Of the file.
  init(_ error: ONNXError, byteCount: Int) {
    switch error {
    case .overLimit(let what, let value, let limit):
      self = .overLimit(what: what, value: value, limit: limit)
    case .outOfMemory: self = .outOfMemory(byteCount: byteCount)
    default: self = .onnx(reason: error.description)
    }
  }
}
