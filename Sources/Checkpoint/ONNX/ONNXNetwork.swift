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

  /// Only what is inside the file is read.
  ///
  /// - Parameter size: Of the pictures, for files that leave it open.
  init(
    _ bytes: ModelBytes, size: (height: Int, width: Int)?
  ) throws(CheckpointError) {
    let model: ONNXModel
    do {
      model = try bytes.withBytes(in: 0..<bytes.count) { (span) throws(ONNXError) in
        try ONNXModel(bytes: span)
      }
    } catch { throw CheckpointError(error, byteCount: bytes.count) }
    var importer = try ONNXImporter(model, byteCount: bytes.count, size: size)
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
