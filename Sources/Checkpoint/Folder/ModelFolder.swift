import Files
import Glibc

/// A folder as Hugging Face and timm publish models: weights, and descriptions beside them.
///
///     config.json                     labels, what the network is
///     preprocessor_config.json        Hugging Face's contract; timm's is in config.json
///     model.safetensors               the weights, or in several files with an index:
///     model.safetensors.index.json    {"weight_map": {"tensor": "model-1-of-2.safetensors", …}}
///     pytorch_model.bin               the same of PyTorch, if there is no safetensors file
///     pytorch_model.bin.index.json
struct ModelFolder {
  static let config = "config.json"
  static let processor = "preprocessor_config.json"
  /// Names that are looked at.
  private static let nameLimit = 4096
  /// Endings of files with tensors alone.
  private static let endings = [".safetensors", ".bin", ".pth", ".pt", ".th", ".ckpt"]

  let path: String
  /// Names of the files in it, sorted.
  let names: [String]

  /// Returns whether there is a folder at the path.
  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  init(_ path: String) throws(CheckpointError) {
    guard let folder = unsafe opendir(path) else { throw CheckpointError(FileError("open", path)) }
    defer { unsafe _ = closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      // SAFETY: the name ends in a zero, and is copied before the next call.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(validatingCString: $0)
        }
      }
      guard let name, name != ".", name != ".." else { continue }
      guard names.count < Self.nameLimit else {
        throw .overLimit(
          what: "files in \(path)", value: names.count + 1, limit: Self.nameLimit)
      }
      names.append(name)
    }
    self.path = path
    self.names = names.sorted()
  }

  func path(of name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }

  /// Name for a model: that of the folder, with the dots that it may have.
  var modelName: String {
    let last = path.split(separator: "/").last.map(String.init) ?? ""
    // The dot at the end is what a file's ending would be dropped with.
    return last.allSatisfy { $0 == "." } ? "model." : "\(last)."
  }

  /// Reads the tensors.
  func tensors() throws(CheckpointError) -> TensorFile {
    for name in ["model.safetensors", "pytorch_model.bin"] {
      if names.contains(name) { return try TensorFile(ModelBytes(mapping: path(of: name))) }
      let index = ShardedTensors.index(of: name)
      if names.contains(index) { return try ShardedTensors.read(self, index) }
    }
    if names.contains("saved_model.pb") { throw ForeignMessage.savedModel.error }
    if let foreign = ForeignJSON.folder(of: names) { throw foreign.error }
    let weights = names.filter { name in Self.endings.contains { name.hasSuffix($0) } }
    guard weights.count == 1 else { throw other(weights) }
    return try TensorFile(ModelBytes(mapping: path(of: weights[0])))
  }

  private func other(_ weights: [String]) -> CheckpointError {
    func shown(_ names: [String]) -> String {
      names.isEmpty
        ? "nothing"
        : names.prefix(6).joined(separator: ", ") + (names.count > 6 ? ", …" : "")
    }
    return .notModel(
      found: weights.isEmpty
        ? "the folder holds \(shown(names)), and no weights that are read"
        : "the folder holds several files with weights: \(shown(weights))",
      remedy: "in a folder model.safetensors, pytorch_model.bin, the files of an index of one of "
        + "these (.index.json) or a single other file with tensors is read; else name the file itself"
    )
  }
}
