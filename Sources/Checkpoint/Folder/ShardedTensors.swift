import JSON

/// Tensors in several safetensors files with an index of which is where.
enum ShardedTensors {
  /// Files of one model.
  private static let fileLimit = 256

  static func read(_ folder: ModelFolder) throws(CheckpointError) -> TensorFile {
    let source = folder.path(of: ModelFolder.index)
    let tree = try BoundedJSON.tree(source)
    guard let map = tree.root["weight_map"]?.members, !map.isEmpty else {
      throw .metadata(reason: "\(ModelFolder.index): weight_map is not an object of file names")
    }
    var places: [String: String] = [:]
    for (name, value) in map {
      guard let file = value.string, isPlain(file) else {
        throw .metadata(
          reason: "\(ModelFolder.index): the file of \(name.prefix(80)) is not the name of a "
            + ".safetensors file in the same folder")
      }
      places[name] = file
    }
    let files = Set(places.values).sorted()
    guard files.count <= fileLimit else {
      throw .overLimit(what: "files of a model", value: files.count, limit: fileLimit)
    }
    for file in files where !folder.names.contains(file) {
      throw .metadata(reason: "\(ModelFolder.index) names \(file), which is not in the folder")
    }
    let (bytes, starts) = try ModelBytes.joined(files.map(folder.path(of:)))
    var entries: [TensorEntry] = []
    for (file, start) in zip(files, starts) {
      let shard = try SafetensorsFile(ModelBytes(mapping: folder.path(of: file)))
      for var entry in shard.entries {
        guard places[entry.name] == file else {
          throw .metadata(
            reason: "tensor \(entry.name) is in \(file), \(ModelFolder.index) says "
              + (places[entry.name] ?? "nothing of it"))
        }
        places[entry.name] = nil
        entry.range = (entry.range.lowerBound + start)..<(entry.range.upperBound + start)
        entries.append(entry)
      }
    }
    if let missing = places.min(by: { $0.key < $1.key }) {
      throw .metadata(reason: "tensor \(missing.key) is not in \(missing.value)")
    }
    return TensorFile(.safetensors, bytes, entries)
  }

  /// Returns whether it names a file of the same folder.
  private static func isPlain(_ name: String) -> Bool {
    name.hasSuffix(".safetensors") && !name.contains("/") && name.utf8.count <= 255
  }
}
