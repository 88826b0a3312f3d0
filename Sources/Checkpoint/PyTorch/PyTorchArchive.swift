/// The zip form: `NAME/data.pkl`, `NAME/data/KEY` for each storage, `NAME/byteorder`,
/// `NAME/version`.
///
/// Format: torch/serialization.py and caffe2/serialize/inline_container.h of PyTorch.
enum PyTorchArchive {
  static func read(_ bytes: ModelBytes) throws(CheckpointError) -> PyTorchContents {
    let archive = try ZipArchive(bytes)
    let folder = try folder(of: archive)
    try archive.checkStored()
    if let order = archive.entries[folder + "/byteorder"] {
      let range = try archive.range(of: order)
      guard
        bytes.text(
          in: range.lowerBound..<min(range.upperBound, range.lowerBound + byteOrderByteCount))
          == "little"
      else {
        throw .unsupported("a PyTorch file whose numbers are not little-endian")
      }
    }
    guard let entry = archive.entries[folder + "/data.pkl"] else {
      throw .malformed(format: .pytorchArchive, offset: 0, reason: "no entry \(folder)/data.pkl")
    }
    let range = try archive.range(of: entry)
    let pickle = try PickleMachine.run(
      PickleCursor(bytes, in: range, format: .pytorchArchive))
    return PyTorchContents(
      pickle: pickle, storageStarts: try storageStarts(pickle, archive, folder))
  }

  /// Bytes of `little` and one more, which reveals a longer string.
  private static let byteOrderByteCount = 7

  /// Returns the only folder with a pickle.
  private static func folder(of archive: borrowing ZipArchive) throws(CheckpointError) -> String {
    let names = Array(archive.entries.keys)
    if let other = ForeignArchive.known(names) { throw other.error }
    let folders = names.filter { name in
      name.hasSuffix("/data.pkl") && name.utf8.count { $0 == UInt8(ascii: "/") } == 1
    }
    guard folders.count == 1, let name = folders.first else {
      throw ForeignArchive.unknown(names, pickleCount: folders.count).error
    }
    return String(name.dropLast("/data.pkl".count))
  }

  private static func storageStarts(
    _ pickle: Pickle, _ archive: borrowing ZipArchive, _ folder: String
  ) throws(CheckpointError) -> [Int] {
    var ranges: [String: Range<Int>] = [:]
    var starts: [Int] = []
    for storage in pickle.storages {
      let name = "\(folder)/data/\(storage.key)"
      if ranges[storage.key] == nil {
        guard let entry = archive.entries[name] else {
          throw .malformed(format: .pytorchArchive, offset: 0, reason: "no entry \(name)")
        }
        ranges[storage.key] = try archive.range(of: entry)
      }
      let range = ranges[storage.key] ?? 0..<0
      guard storage.elementCount * storage.type.byteCount <= range.count else {
        throw .malformed(
          format: .pytorchArchive, offset: range.lowerBound,
          reason: "\(name) has \(range.count) bytes, the pickle says \(storage.elementCount) "
            + "elements of \(storage.type.rawValue)")
      }
      starts.append(range.lowerBound)
    }
    return starts
  }
}
