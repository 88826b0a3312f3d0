import Files

/// The bytes of the examples: a file of the store's folder, or memory.
final class ExampleLog {
  private enum Place {
    case memory
    case disk(StoreFolder, reserve: Int)
  }

  private let place: Place
  /// Contents, if there is no disk.
  private var bytes: [UInt8] = []

  init() { place = .memory }

  init(_ disk: StoreFolder, freeByteReserve: Int) {
    place = .disk(disk, reserve: freeByteReserve)
  }

  var isOnDisk: Bool {
    if case .disk = place { true } else { false }
  }

  /// Bytes that are there; nil if there is nothing.
  func byteCount() throws(StoreError) -> Int? {
    switch place {
    case .memory: bytes.isEmpty ? nil : bytes.count
    case .disk(let disk, _): try disk.examplesByteCount()
    }
  }

  func read(count: Int, at offset: Int) throws(StoreError) -> [UInt8] {
    switch place {
    case .memory: return Array(bytes[offset..<offset + count])
    case .disk(let disk, _): return try disk.readExamples(count: count, at: offset)
    }
  }

  /// Throws if the disk has no room for so many bytes more.
  func requireSpace(for byteCount: Int) throws(StoreError) {
    guard case .disk(let disk, let reserve) = place else { return }
    try disk.checkSpace(for: byteCount, reserve: reserve)
  }

  /// Adds bytes at an offset, beyond which nothing counts; after a failure there is nothing beyond
  /// it.
  func append(_ added: [UInt8], at offset: Int) throws(StoreError) {
    switch place {
    case .memory:
      bytes.removeLast(bytes.count - offset)
      bytes += added
    case .disk(let disk, _):
      try disk.requireIdentity()
      try requireSpace(for: added.count)
      try disk.appendExamples(added, at: offset)
    }
  }

  /// Writes the count of examples that are durable; without it, some that are lost later could be
  /// taken for one that was cut off, which is told all the same.
  func confirm(count: Int) {
    let (number, place) = (ExampleFormat.bytes(count), ExampleFormat.countPlace)
    switch self.place {
    case .memory: bytes.replaceSubrange(place..<place + number.count, with: number)
    case .disk(let disk, _): try? disk.confirmExamples(number, at: place)
    }
  }

  /// Replaces everything at once by what `write` hands over, or by nothing.
  func replace(
    _ write: (((([UInt8]) throws(StoreError) -> Void)) throws(StoreError) -> Void)?
  ) throws(StoreError) {
    switch place {
    case .memory:
      var next: [UInt8] = []
      try write? { (part) throws(StoreError) in next += part }
      bytes = next
    case .disk(let disk, _):
      try disk.requireIdentity()
      guard let write else { return try disk.removeExamples() }
      try disk.replaceExamples(write)
    }
  }
}

/// The file of examples in a store's folder.
extension StoreFolder {
  private static let examplesName = "examples"

  fileprivate func examplesByteCount() throws(StoreError) -> Int? {
    guard root.contains(Self.examplesName) else { return nil }
    return try root.open(Self.examplesName).byteCount
  }

  fileprivate func readExamples(count: Int, at offset: Int) throws(StoreError) -> [UInt8] {
    let file = try root.open(Self.examplesName)
    do throws(FileError) {
      return try file.read(count: count, at: offset)
    } catch {
      throw StoreError(error)
    }
  }

  fileprivate func checkSpace(for byteCount: Int, reserve: Int) throws(StoreError) {
    let available = root.availableByteCount
    guard byteCount + reserve <= available else {
      let error = StoreError.full(
        path: root.path, neededByteCount: byteCount + reserve, availableByteCount: available)
      failures.count(error)
      throw error
    }
  }

  fileprivate func appendExamples(_ bytes: [UInt8], at offset: Int) throws(StoreError) {
    try root.write(bytes, to: Self.examplesName, at: offset)
  }

  fileprivate func confirmExamples(_ bytes: [UInt8], at offset: Int) throws(StoreError) {
    try root.overwrite(bytes, in: Self.examplesName, at: offset)
  }

  fileprivate func replaceExamples(
    _ write: (([UInt8]) throws(StoreError) -> Void) throws(StoreError) -> Void
  ) throws(StoreError) {
    let file = try StagedFile(in: incoming)
    do {
      try write { (part) throws(StoreError) in try file.write(unsafe part.span.bytes) }
      try file.sync()
      try incoming.rename(file.name, to: root, as: Self.examplesName)
      try root.sync()
    } catch {
      discard(file.name)
      throw error
    }
  }

  fileprivate func removeExamples() throws(StoreError) {
    try root.remove(Self.examplesName)
    try root.sync()
  }
}
