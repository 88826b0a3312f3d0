import Checkpoint

/// Reading of the examples that an earlier process has left.
extension ExampleStore {
  /// Reads the log once. What follows a record that is not whole is left out, and overwritten by
  /// the next example.
  static func open(_ state: inout State) throws(StoreError) {
    guard !state.isOpen else { return }
    var found = State(log: state.log, isOpen: true)
    guard let byteCount = try state.log.byteCount() else {
      state = found
      return
    }
    let header = try state.log.read(
      count: min(byteCount, ExampleFormat.headerByteCount), at: 0)
    guard let source = ExampleFormat.source(header) else {
      throw .malformedRecord(path: "examples", reason: "it does not begin as one")
    }
    found.source = source
    found.end = header.count
    while let record = try Self.record(at: found.end, in: state.log, byteCount, source) {
      let entry = record.entry
      insert(
        record.label, entry.digest, &found, offset: entry.offset, byteCount: entry.byteCount,
        imageByteCount: entry.imageByteCount)
      found.end += entry.byteCount
    }
    if found.end < byteCount {
      found.notice =
        "the file of examples is damaged at byte \(found.end) of \(byteCount); "
        + "\(found.entries.count) examples before it are whole, the rest is dropped"
    }
    // A file without a whole example belongs to no source.
    if found.entries.isEmpty { (found.source, found.end) = (nil, 0) }
    state = found
  }

  /// Returns the record at an offset; nil if there is no whole one.
  private static func record(
    at offset: Int, in log: ExampleLog, _ byteCount: Int, _ source: ExampleSource
  ) throws(StoreError) -> (label: String, entry: Entry)? {
    let prefixCount = ExampleFormat.prefixByteCount
    guard byteCount - offset >= prefixCount else { return nil }
    let prefix = try log.read(count: prefixCount, at: offset)
    let labelByteCount = ExampleFormat.number(prefix, at: 0)
    let imageByteCount = ExampleFormat.number(prefix, at: 4)
    guard 1...StoreLimits.labelByteLimit ~= labelByteCount,
      imageByteCount <= ExampleFormat.imageByteLimit
    else { return nil }
    let middleCount = ExampleFormat.middleByteCount(labelByteCount, source.featureCount)
    let count = prefixCount + middleCount + imageByteCount
    guard byteCount - offset >= count else { return nil }
    let middle = try log.read(count: middleCount, at: offset + prefixCount)
    let checked = prefix + middle.dropLast(ExampleFormat.checkByteCount)
    guard try ExampleFormat.check(checked[...]) == middle.suffix(ExampleFormat.checkByteCount)
    else {
      return nil
    }
    let entry = Entry(
      label: 0, digest: ModelVersion(digest: Array(prefix[8...])), offset: offset, byteCount: count,
      imageByteCount: imageByteCount)
    return (String(decoding: middle.prefix(labelByteCount), as: UTF8.self), entry)
  }
}
