import JSON

/// Tensors in several files of safetensors or PyTorch with an index of which is where.
enum ShardedTensors {
  /// Files of one model.
  private static let fileLimit = 256

  /// Returns the number of a part of a model in several files, and how many there are, by its name, such
  /// as `model-00001-of-00003.safetensors`; nil for other files.
  static func part(_ name: String) -> (number: Int, count: Int)? {
    let stem = name.prefix { $0 != "." }
    let parts = stem.split(separator: "-").suffix(3)
    guard parts.count == 3, let last = parts.last, parts[parts.endIndex - 2] == "of",
      let number = Int(parts[parts.startIndex]), let count = Int(last), count > 1,
      1...count ~= number
    else { return nil }
    return (number, count)
  }

  /// Returns the name of the index of a file's parts.
  static func index(of name: String) -> String { name + ".index.json" }

  static func read(
    _ folder: ModelFolder, _ index: String
  ) throws(CheckpointError) -> TensorFile {
    var places = try places(folder, index)
    let files = Set(places.values).sorted()
    guard files.count <= fileLimit else {
      throw .overLimit(what: "files of a model", value: files.count, limit: fileLimit)
    }
    for file in files where !folder.names.contains(file) {
      throw .metadata(reason: "\(index) names \(file), which is not in the folder")
    }
    let (bytes, starts) = try ModelBytes.joined(files.map(folder.path(of:)))
    var format = FileFormat.safetensors
    var entries: [TensorEntry] = []
    var placeholders: [String: TensorGroup.Placeholder] = [:]
    for (file, start) in zip(files, starts) {
      let shard = try TensorFile(ModelBytes(mapping: folder.path(of: file)))
      guard shard.groups.count == 1, let group = shard.groups.first, group.path.isEmpty else {
        throw .metadata(reason: "\(file) is not a dictionary of tensors alone, as \(index) says")
      }
      format = shard.format
      for var entry in group.entries {
        guard places[entry.name] == file else {
          throw .metadata(
            reason: "tensor \(entry.name) is in \(file), \(index) says "
              + (places[entry.name] ?? "nothing of it"))
        }
        places[entry.name] = nil
        entry.range = (entry.range.lowerBound + start)..<(entry.range.upperBound + start)
        entries.append(entry)
      }
      for (name, placeholder) in group.placeholders where places[name] == file {
        places[name] = nil
        placeholders[name] = placeholder
      }
    }
    if let missing = places.min(by: { $0.key < $1.key }) {
      throw .metadata(reason: "tensor \(missing.key) is not in \(missing.value)")
    }
    return TensorFile(format, bytes, TensorGroup(entries: entries, placeholders: placeholders))
  }

  /// Returns the file of each tensor.
  private static func places(
    _ folder: ModelFolder, _ index: String
  ) throws(CheckpointError) -> [String: String] {
    let tree = try BoundedJSON.tree(folder.path(of: index))
    guard let map = tree.root["weight_map"]?.members, !map.isEmpty else {
      throw .metadata(reason: "\(index): weight_map is not an object of file names")
    }
    let ending = index.hasPrefix("pytorch_model") ? ".bin" : ".safetensors"
    var places: [String: String] = [:]
    for (name, value) in map {
      // A file of the same folder.
      guard let file = value.string, file.hasSuffix(ending), !file.contains("/"),
        file.utf8.count <= 255
      else {
        throw .metadata(
          reason: "\(index): the file of \(name.prefix(80)) is not the name of a \(ending) file in "
            + "the same folder")
      }
      places[name] = file
    }
    return places
  }
}
