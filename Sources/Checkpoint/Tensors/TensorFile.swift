/// The tensors of a model file in a format without a graph, each checked to lie inside the file.
struct TensorFile: Sendable {
  let format: FileFormat
  let bytes: ModelBytes
  /// Tensors by the dictionary that holds them, at least one; safetensors has no other.
  let groups: [TensorGroup]
  /// Whether these dictionaries have all tensors of the file but those of a training.
  private(set) var isWhole = true
  /// Strings by name; empty in formats that have none.
  let metadata: [String: String]

  /// Lists of tensors without names beside these dictionaries.
  private(set) var lists: [NamelessTensors] = []

  /// Names of the classes that a checkpoint of OpenMMLab holds, with their place in it.
  private(set) var classes: (labels: [String], source: String)?

  /// Puts tensors of several files together.
  init(_ format: FileFormat, _ bytes: ModelBytes, _ group: TensorGroup) {
    (self.format, self.bytes, metadata) = (format, bytes, [:])
    groups = [group]
  }

  init(
    _ bytes: ModelBytes, memory: LoadingMemory = LoadingMemory()
  ) throws(CheckpointError) {
    self.bytes = bytes
    format = try FileFormat(sniffing: bytes)
    switch format {
    case .safetensors:
      let file = try SafetensorsFile(bytes, memory: memory)
      (groups, metadata) = ([TensorGroup(entries: file.entries)], file.metadata)
    case .pytorchArchive:
      let contents = try PyTorchArchive.read(bytes)
      let found = try StateDictionaries(contents)
      (groups, isWhole, metadata) = (found.groups, found.isWhole, [:])
      lists = found.lists
      classes = CheckpointClasses.find(in: contents.pickle)
    case .pytorchStream:
      let contents = try PyTorchStream.read(bytes)
      let found = try StateDictionaries(contents)
      (groups, isWhole, metadata) = (found.groups, found.isWhole, [:])
      lists = found.lists
      classes = CheckpointClasses.find(in: contents.pickle)
    case .pickle:
      let contents = try PlainPickle.read(bytes)
      let found = try StateDictionaries(contents)
      (groups, isWhole, metadata) = (found.groups, found.isWhole, [:])
    case .onnx: throw .onnx(reason: "an ONNX model is a graph, not only tensors")
    }
  }
}
