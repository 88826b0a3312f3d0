import ResNet

/// An ONNX file as this program's graph and weights.
struct ONNXNetwork {
  let graph: Graph
  let weights: Weights
  /// Ranges of a quantised graph.
  let calibration: Calibration?
  let warnings: [String]

  /// Translates a file; `size` is that of the images, for files that leave it open.
  init(_ file: ONNXFile, size: (height: Int, width: Int)?) throws(CheckpointError) {
    var importer = try ONNXImporter(file.model, byteCount: file.byteCount, size: size)
    do throws(CheckpointError) {
      try importer.importNodes()
      (graph, weights) = try importer.result()
    } catch {
      // The size came from a contract, which may be at fault.
      guard importer.isSizeOpen, case .unsupported(let what) = error else { throw error }
      let input = importer.shapes[0]
      throw .unsupported(
        "\(what) (with images of \(input.height)x\(input.width) pixels, a size that the file "
          + "leaves to the preprocessing contract)")
    }
    calibration = importer.calibration(of: graph)
    warnings = importer.warnings
  }
}
