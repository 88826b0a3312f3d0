/// The older form: five pickles, then an `Int64` element count and the elements for each key.
///
/// The pickles are a magic number, the protocol, facts about the system, the value, and the keys of
/// the storages. Format: `_legacy_save` in torch/serialization.py of PyTorch.
enum PyTorchStream {
  /// 0x1950a86a20f9469cfc6c, little-endian.
  private static let magicNumber: [UInt8] = [
    0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
  ]
  private static let protocolVersion = 1001
  /// Bytes of the first pickle up to the number's end: PROTO, FRAME and LONG1 precede it.
  private static let longestStartByteCount = 2 + 9 + 2 + 10
  private static let countByteCount = 8

  /// Returns whether a pickle begins as the stream does, with the magic number.
  static func begins(_ bytes: ModelBytes) -> Bool {
    let start = (0..<min(bytes.count, longestStartByteCount)).map { bytes.byte(at: $0) }
    return start.indices.contains { start[$0...].starts(with: magicNumber) }
  }

  static func read(_ bytes: ModelBytes) throws(CheckpointError) -> PyTorchContents {
    var position = 0
    func next() throws(CheckpointError) -> Pickle {
      let pickle = try PickleMachine.run(
        PickleCursor(bytes, in: position..<bytes.count, format: .pytorchStream))
      position = pickle.end
      return pickle
    }
    guard case .bigInteger(let range) = try next().root,
      range.map({ bytes.byte(at: $0) }) == magicNumber
    else { throw fault("the file does not begin with PyTorch's magic number alone", at: 0) }
    let versionOffset = position
    guard case .integer(protocolVersion) = try next().root else {
      throw fault("the protocol is not \(protocolVersion)", at: versionOffset)
    }
    try checkSystem(try next())
    let pickle = try next()
    let keysOffset = position
    let keys = try keys(try next(), at: keysOffset)
    let starts = try starts(of: keys, pickle, bytes, at: position)
    var storageStarts: [Int] = []
    for storage in pickle.storages {
      guard let start = starts[storage.key] else {
        throw fault("storage \(storage.key) is not there", at: keysOffset)
      }
      storageStarts.append(start)
    }
    return PyTorchContents(pickle: pickle, storageStarts: storageStarts)
  }

  private static func fault(_ reason: String, at offset: Int) -> CheckpointError {
    .malformed(format: .pytorchStream, offset: offset, reason: reason)
  }

  private static func checkSystem(_ pickle: Pickle) throws(CheckpointError) {
    for item in pickle.items(pickle.root) ?? [] {
      guard pickle.text(item.key) == "little_endian" else { continue }
      guard case .bool(true) = item.value else {
        throw .unsupported("a PyTorch file whose numbers are not little-endian")
      }
    }
  }

  private static func keys(
    _ pickle: Pickle, at offset: Int
  ) throws(CheckpointError) -> [String] {
    guard case .list = pickle.root, let values = pickle.sequence(pickle.root) else {
      throw fault("the storages' keys are not a list", at: offset)
    }
    guard values.count <= PickleLimits.tensorCount else {
      throw .overLimit(what: "storages", value: values.count, limit: PickleLimits.tensorCount)
    }
    let keys = values.compactMap { pickle.text($0) }
    guard keys.count == values.count, Set(keys).count == keys.count else {
      throw fault("the storages' keys are not all different texts", at: offset)
    }
    return keys
  }

  /// Returns the offset of each storage's elements.
  private static func starts(
    of keys: [String], _ pickle: Pickle, _ bytes: ModelBytes, at offset: Int
  ) throws(CheckpointError) -> [String: Int] {
    var declared: [String: Pickle.Storage] = [:]
    for storage in pickle.storages {
      let first = declared[storage.key] ?? storage
      guard first.type == storage.type, first.elementCount == storage.elementCount else {
        throw fault("storage \(storage.key) is declared in two ways", at: offset)
      }
      declared[storage.key] = storage
    }
    var starts: [String: Int] = [:]
    var position = offset
    for key in keys {
      guard (declared[key] == nil) != (pickle.unreadStorages[key] == nil) else {
        guard declared[key] == nil else {
          throw fault("storage \(key) is declared in two ways", at: position)
        }
        throw fault("no tensor has storage \(key), so its size is unknown", at: position)
      }
      guard countByteCount <= bytes.count - position else {
        throw fault(
          "the file ends before storage \(key): \(CheckpointError.cutShort)", at: position)
      }
      let count = bytes.integer(at: position, as: Int64.self)
      // Does not overflow: the pickle's reader has checked it.
      let (elementCount, byteCount) =
        declared[key].map { ($0.elementCount, $0.elementCount * $0.type.byteCount) }
        ?? pickle.unreadStorages[key] ?? (0, 0)
      guard count == elementCount else {
        throw fault(
          "storage \(key) has \(count) elements, the pickle says \(elementCount)",
          at: position)
      }
      position += countByteCount
      guard byteCount <= bytes.count - position else {
        throw fault(
          "storage \(key) takes \(byteCount) bytes, the file has \(bytes.count - position): "
            + CheckpointError.cutShort, at: position)
      }
      starts[key] = position
      position += byteCount
    }
    guard position == bytes.count else {
      throw fault("\(bytes.count - position) bytes after the last storage", at: position)
    }
    return starts
  }
}
