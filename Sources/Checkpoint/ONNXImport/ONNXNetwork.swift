import ResNet

/// An ONNX file as this program's graph and weights.
struct ONNXNetwork {
  let graph: Graph
  let weights: Weights
  /// Ranges of a quantised graph.
  let calibration: Calibration?
  /// What the file says of its outputs' meaning.
  let ending: NetworkEnding
  /// Name of a node that scales or shifts the images' numbers, if there is one.
  let inputScale: String?
  /// Whether the file takes images as bytes, 0 to 255.
  let takesBytes: Bool
  let warnings: [String]
  /// Labels that the graph has, with their place.
  let labels: (labels: [String], source: String)?

  /// Translates a file; `size` is that of the images, for files that leave it open.
  ///
  /// - Parameter outputName: Name of the output that has the classes, for files with several.
  init(
    _ file: ONNXFile, images: FeatureShape?, outputName: String? = nil,
    memory: LoadingMemory = LoadingMemory()
  ) throws(CheckpointError) {
    var importer = try ONNXImporter(
      file.model, byteCount: file.byteCount, images: images, outputName: outputName,
      memory: memory)
    do throws(CheckpointError) {
      try importer.importNodes()
      (graph, weights, ending) = try importer.result()
    } catch {
      switch error {
      case .unsupported, .unreadNode:
        if let attention = importer.attention { throw .unsupported(attention) }
      default: break
      }
      // The size came from a contract, which may be at fault.
      guard importer.isSizeOpen else { throw error }
      let input = importer.shapes[0]
      let size =
        " (with images of \(input.height)x\(input.width) pixels, a size that the file "
        + "leaves to the preprocessing contract)"
      switch error {
      case .unsupported(let what): throw .unsupported(what + size)
      case .unreadNode(let what): throw .unreadNode(what + size)
      default: throw error
      }
    }
    calibration = importer.calibration(of: graph)
    warnings = importer.warnings
    labels = importer.tail.labels
    takesBytes = importer.takesBytes
    inputScale =
      graph.nodes.first { node in
        switch node.operation {
        case .batchNormalization, .combine: node.inputs.contains(0)
        default: false
        }
      }?.name
  }
}
