/// The tensors of a model file of any format without a graph, every one checked to lie inside the file.
struct TensorFile: Sendable {
  let format: FileFormat
  let bytes: ModelBytes
  let entries: [TensorEntry]
  /// Texts by name; empty in formats without.
  let metadata: [String: String]
  /// What an operator should know, though it is no error.
  let warnings: [String]

  init(_ bytes: ModelBytes) throws(CheckpointError) {
    self.bytes = bytes
    format = try FileFormat(sniffing: bytes)
    switch format {
    case .safetensors:
      let file = try SafetensorsFile(bytes)
      (entries, metadata, warnings) = (file.entries, file.metadata, [])
    case .pytorchArchive:
      let state = try StateDictionary(try PyTorchArchive.read(bytes))
      (entries, metadata, warnings) = (state.entries, [:], state.warnings)
    case .pytorchStream:
      let state = try StateDictionary(try PyTorchStream.read(bytes))
      (entries, metadata, warnings) = (state.entries, [:], state.warnings)
    case .onnx: throw .onnx(reason: "an ONNX model is a graph, not only tensors")
    }
  }
}
