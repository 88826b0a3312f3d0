import ResNet

/// An ONNX file as this program's graph and weights.
struct ONNXNetwork {
  let graph: Graph
  let weights: Weights
  /// Of a quantised graph.
  let calibration: Calibration?
  let warnings: [String]

  /// - Parameter size: Of the pictures, for files that leave it open.
  init(_ file: ONNXFile, size: (height: Int, width: Int)?) throws(CheckpointError) {
    var importer = try ONNXImporter(file.model, byteCount: file.byteCount, size: size)
    try importer.importNodes()
    (graph, weights) = try importer.result()
    calibration = importer.calibration(of: graph)
    warnings = importer.warnings
  }
}
