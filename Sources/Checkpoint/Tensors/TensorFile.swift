/// The tensors of a model file in a format without a graph, each checked to lie inside the file.
struct TensorFile: Sendable {
  let format: FileFormat
  let bytes: ModelBytes
  /// Tensors by the dictionary that holds them, at least one; safetensors has no other.
  let groups: [TensorGroup]
  /// Strings by name; empty in formats that have none.
  let metadata: [String: String]

  init(_ bytes: ModelBytes) throws(CheckpointError) {
    self.bytes = bytes
    format = try FileFormat(sniffing: bytes)
    switch format {
    case .safetensors:
      let file = try SafetensorsFile(bytes)
      (groups, metadata) = ([TensorGroup(entries: file.entries)], file.metadata)
    case .pytorchArchive:
      groups = try StateDictionaries(try PyTorchArchive.read(bytes)).groups
      metadata = [:]
    case .pytorchStream:
      groups = try StateDictionaries(try PyTorchStream.read(bytes)).groups
      metadata = [:]
    case .onnx: throw .onnx(reason: "an ONNX model is a graph, not only tensors")
    }
  }
}
