import Checkpoint

/// Reading of the examples that an earlier process has left.
extension ExampleStore {
  /// Reads the log once.
  ///
  /// A record at its end that was cut off, by a kill or a full disk while it was written, is left out
  /// and overwritten by the next example: nobody was told that it is kept. Anything else that is not
  /// whole is damage, by which examples would be lost, so it is for somebody to decide: the log is
  /// left as it is. One that ends after an example is taken for shortened by that decision.
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
      throw .damagedExamples(offset: 0, byteCount: byteCount, wholeCount: 0)
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
    // The first example comes with the file, which gets its name when all of it is on disk.
    let keptCount = ExampleFormat.count(header)
    if found.end < byteCount || found.entries.isEmpty {
      guard !found.entries.isEmpty, found.entries.count >= keptCount,
        try isCutOff(at: found.end, in: found.log, byteCount, source)
      else {
        throw .damagedExamples(
          offset: found.end, byteCount: byteCount, wholeCount: found.entries.count)
      }
      found.notice =
        "the file of examples ends at byte \(byteCount) within an example, which was not kept; "
        + "\(found.entries.count) before it are whole"
    } else if found.entries.count < keptCount {
      found.notice =
        "the file of examples has \(found.entries.count) of \(keptCount) that were kept: it was "
        + "shortened, and the images of the others must be sent again if they are wanted"
    }
    state = found
  }

  /// Bytes that are looked at together.
  private static let blockByteCount = 1 << 20

  /// Returns whether the bytes from an offset on are what remains of writing a record: its beginning,
  /// or zeros in its place. A record after them says that they were whole once.
  private static func isCutOff(
    at offset: Int, in log: ExampleLog, _ byteCount: Int, _ source: ExampleSource
  ) throws(StoreError) -> Bool {
    let rest = byteCount - offset
    let prefix = try log.read(
      count: min(rest, ExampleFormat.prefixByteCount), at: offset)
    if prefix.allSatisfy({ $0 == 0 }) {
      return try isZero(from: offset, in: log, byteCount)
    }
    guard prefix.count == ExampleFormat.prefixByteCount else { return true }
    guard let count = recordByteCount(prefix, at: 0, source), count > rest else { return false }
    return try !holdsRecord(from: offset + 1, in: log, byteCount, source)
  }

  private static func isZero(
    from start: Int, in log: ExampleLog, _ byteCount: Int
  ) throws(StoreError) -> Bool {
    for offset in stride(from: start, to: byteCount, by: blockByteCount) {
      let block = try log.read(count: min(blockByteCount, byteCount - offset), at: offset)
      guard block.allSatisfy({ $0 == 0 }) else { return false }
    }
    return true
  }

  /// Returns whether a whole record begins at an offset or anywhere after it.
  private static func holdsRecord(
    from start: Int, in log: ExampleLog, _ byteCount: Int, _ source: ExampleSource
  ) throws(StoreError) -> Bool {
    let prefixCount = ExampleFormat.prefixByteCount
    var offset = start
    while byteCount - offset >= prefixCount {
      let block = try log.read(
        count: min(blockByteCount + prefixCount, byteCount - offset), at: offset)
      for place in 0...block.count - prefixCount {
        // Few bytes look like lengths, so that few records are read.
        if let count = recordByteCount(block, at: place, source),
          count <= byteCount - offset - place,
          try record(at: offset + place, in: log, byteCount, source) != nil
        {
          return true
        }
      }
      offset += block.count - prefixCount + 1
    }
    return false
  }

  /// Returns the length of a record that begins at a place of bytes; nil if no record has such
  /// lengths.
  private static func recordByteCount(
    _ bytes: [UInt8], at place: Int, _ source: ExampleSource
  ) -> Int? {
    let labelByteCount = ExampleFormat.number(bytes, at: place)
    let imageByteCount = ExampleFormat.number(bytes, at: place + 4)
    guard 1...StoreLimits.labelByteLimit ~= labelByteCount,
      imageByteCount <= ExampleFormat.imageByteLimit
    else { return nil }
    return ExampleFormat.prefixByteCount
      + ExampleFormat.middleByteCount(labelByteCount, source.featureCount) + imageByteCount
  }

  /// Returns the record at an offset; nil if there is no whole one.
  private static func record(
    at offset: Int, in log: ExampleLog, _ byteCount: Int, _ source: ExampleSource
  ) throws(StoreError) -> (label: String, entry: Entry)? {
    let prefixCount = ExampleFormat.prefixByteCount
    guard byteCount - offset >= prefixCount else { return nil }
    let prefix = try log.read(count: prefixCount, at: offset)
    guard let count = recordByteCount(prefix, at: 0, source), byteCount - offset >= count else {
      return nil
    }
    let labelByteCount = ExampleFormat.number(prefix, at: 0)
    let imageByteCount = ExampleFormat.number(prefix, at: 4)
    let middleCount = ExampleFormat.middleByteCount(labelByteCount, source.featureCount)
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
