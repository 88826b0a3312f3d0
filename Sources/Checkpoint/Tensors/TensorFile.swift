/// The tensors of a model file in a format without a graph, each checked to lie inside the file.
struct TensorFile: Sendable {
  let format: FileFormat
  let bytes: ModelBytes
  let entries: [TensorEntry]
  /// Strings by name; empty in formats that have none.
  let metadata: [String: String]
  /// Facts that an operator should know, though they are not errors.
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
