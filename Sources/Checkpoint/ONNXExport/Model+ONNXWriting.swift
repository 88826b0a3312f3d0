import Files
import ONNX
import ResNet

extension Model {
  /// Writes the network as an ONNX file, complete or not at all.
  ///
  /// Weights are in single precision as they stand in the graph; name, labels, preprocessing and
  /// provenance are a `resnetd` document in the metadata. The input is `input` `[batch, 3, H, W]`,
  /// the output `logits` `[batch, classes]`. Calibration and golden samples are left out.
  ///
  /// - Parameter programVersion: Version of this program, for the file to name.
  package func writeONNX(to path: String, programVersion: String) throws(CheckpointError) {
    let parameters = try parameters()
    let byteCount = parameters.reduce(0) {
      $0 + $1.tensor.elementCount * MemoryLayout<Float>.size
    }
    // Checked before they are copied; the whole file is checked when it is complete.
    guard byteCount <= ONNXWriter.fileByteCountLimit else {
      throw .overLimit(
        what: "bytes of an ONNX file's weights", value: byteCount,
        limit: ONNXWriter.fileByteCountLimit)
    }
    let exporter = try ONNXExporter(graph)
    let outputCount: Int
    do { outputCount = try graph.outputShape.channels } catch {
      throw .unsupported(error.description)
    }
    let document = try ModelDocument(self, isComplete: false).json()
    try AtomicFile.write(to: path, orThrow: CheckpointError.init) { file throws(CheckpointError) in
      do throws(ONNXError) {
        let writer = try ONNXWriter(producer: "resnetd", version: programVersion, graphName: name)
        writer.addMetadata(document, forKey: ModelDocument.metadataKey)
        addGraph(exporter, parameters, outputCount: outputCount, to: writer)
        try writer.write(to: file.descriptor)
      } catch {
        if case .notWritten(let reason) = error {
          throw .file(path: path, doing: "write", reason: reason)
        }
        throw CheckpointError(error, byteCount: byteCount)
      }
    }
  }

  private func addGraph(
    _ exporter: ONNXExporter, _ parameters: [(name: String, tensor: Tensor)], outputCount: Int,
    to writer: borrowing ONNXWriter
  ) {
    let input = graph.inputShape
    writer.addInput(
      ONNXExporter.inputName, shape: [nil, input.channels, input.height, input.width])
    writer.addOutput(ONNXExporter.outputName, shape: [nil, outputCount])
    for node in exporter.nodes { writer.addNode(node) }
    for constant in exporter.constants {
      guard case .bytes(let bytes) = constant.storage else {
        preconditionFailure("the exporter's constants have their bytes")
      }
      writer.addInitializer(
        constant.name, constant.elementType, shape: constant.shape, bytes: unsafe bytes.span.bytes)
    }
    for (name, tensor) in parameters {
      tensor.withValues { values in
        writer.addInitializer(name, .float, shape: tensor.shape, bytes: unsafe values.bytes)
      }
    }
  }
}
