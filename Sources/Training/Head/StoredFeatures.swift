package import Files
import Glibc

/// Features of images in a file, found by the images' digests:
///
///     8           magic
///     32          key: SHA-256 of what decides the features of an image
///     8, 8        D, numbers of a row, and R, rows of an entry
///     8           zeros
///     N · R·D·4   rows in fp32, entry after entry
///     N · 41      digest of the image (32), its likeness (8), whether it has one (1)
///     8           N
///     32          SHA-256 of everything before
///
/// Numbers are little-endian. The file is mapped: replace it by renaming, never write it in place.
@safe
package final class StoredFeatures: Sendable {
  /// What makes files of features comparable.
  package struct Kind: Sendable, Hashable {
    package var key: [UInt8]
    package var columnCount: Int
    package var rowsPerEntry: Int

    package init(key: [UInt8], columnCount: Int, rowsPerEntry: Int) {
      precondition(key.count == SHA256.byteCount, "a key is a digest")
      precondition(columnCount > 0 && rowsPerEntry > 0, "an entry must have numbers")
      (self.key, self.columnCount, self.rowsPerEntry) = (key, columnCount, rowsPerEntry)
    }

    /// Bytes that a file grows by with an entry.
    package var entryByteCount: Int {
      rowsPerEntry * columnCount * MemoryLayout<Float>.stride + StoredFeatures.indexByteCount
    }

    var header: [UInt8] {
      StoredFeatures.magic + key + StoredFeatures.bytes(columnCount)
        + StoredFeatures.bytes(rowsPerEntry)
        + StoredFeatures.bytes(0)
    }
  }

  /// An image whose features are there.
  package struct Entry: Sendable, Hashable {
    package var digest: [UInt8]
    /// A hash of what it looks like; nil for an image without.
    package var likeness: UInt64?

    package init(digest: [UInt8], likeness: UInt64?) {
      precondition(digest.count == SHA256.byteCount, "a digest has its size")
      (self.digest, self.likeness) = (digest, likeness)
    }
  }

  /// Why a file is not used.
  package enum Fault: Error, Sendable, CustomStringConvertible {
    case file(FileError)
    case digest(DigestError)
    /// It is of something else.
    case foreign
    case damaged(reason: String)

    package var description: String {
      switch self {
      case .file(let error): error.description
      case .digest(let error): error.description
      case .foreign: "it holds no features of this network and these views"
      case .damaged(let reason): "it is damaged: \(reason)"
      }
    }
  }

  static let magic = Array("rnfeatu1".utf8)
  static let headerByteCount = 64
  static let indexByteCount = SHA256.byteCount + 8 + 1
  static let endByteCount = 8 + SHA256.byteCount

  package let path: String
  package let kind: Kind
  package let entries: [Entry]
  // SAFETY: nobody writes the memory, and only `deinit` frees it.
  nonisolated(unsafe) private let base: UnsafeRawPointer
  private let byteCount: Int

  package var rowCount: Int { entries.count * kind.rowsPerEntry }

  /// Opens a file and checks all of it.
  package convenience init(_ path: String, _ kind: Kind) throws(Fault) {
    let file: RegularFile
    do throws(FileError) { file = try RegularFile(path) } catch { throw .file(error) }
    try self.init(mapping: file.descriptor, byteCount: file.byteCount, path, kind)
  }

  /// Maps an open file, which may be closed afterwards.
  init(
    mapping descriptor: CInt, byteCount: Int, _ path: String, _ kind: Kind
  ) throws(Fault) {
    (self.path, self.kind, self.byteCount) = (path, kind, byteCount)
    guard byteCount >= Self.headerByteCount + Self.endByteCount else {
      throw .damaged(reason: "it has \(byteCount) bytes")
    }
    guard let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0),
      unsafe address != MAP_FAILED
    else { throw .file(FileError("map", path)) }
    unsafe base = UnsafeRawPointer(address)
    let bytes = unsafe UnsafeRawBufferPointer(start: address, count: byteCount)
    do throws(Fault) { entries = try unsafe Self.checked(bytes, kind) } catch {
      // SAFETY: without its entries there is no object that would free the memory.
      entries = []
      throw error
    }
  }

  deinit { unsafe munmap(UnsafeMutableRawPointer(mutating: base), byteCount) }

  private static func checked(
    _ bytes: UnsafeRawBufferPointer, _ kind: Kind
  ) throws(Fault) -> [Entry] {
    guard unsafe Array(bytes.prefix(magic.count)) == magic else { throw .foreign }
    let header = kind.header
    guard unsafe Array(bytes.prefix(header.count)) == header else { throw .foreign }
    let end = bytes.count - endByteCount
    let count = unsafe bytes.loadUnaligned(fromByteOffset: end, as: UInt64.self).littleEndian
    let (room, rest) = (end - headerByteCount).quotientAndRemainder(
      dividingBy: kind.entryByteCount)
    guard rest == 0, count == UInt64(room) else {
      throw .damaged(reason: "its length is not that of its entries")
    }
    let digest = unsafe Array(bytes.suffix(SHA256.byteCount))
    guard
      try unsafe Self.digest(UnsafeRawBufferPointer(rebasing: bytes.dropLast(SHA256.byteCount)))
        == digest
    else { throw .damaged(reason: "its bytes are not those that were written") }
    let start = end - room * indexByteCount
    var entries: [Entry] = []
    entries.reserveCapacity(room)
    for number in 0..<room {
      let place = start + number * indexByteCount
      let likeness = unsafe bytes.loadUnaligned(
        fromByteOffset: place + SHA256.byteCount, as: UInt64.self)
      entries.append(
        Entry(
          digest: unsafe Array(bytes[place..<place + SHA256.byteCount]),
          likeness: unsafe bytes[place + indexByteCount - 1] == 1 ? likeness.littleEndian : nil))
    }
    return entries
  }

  static func digest(_ bytes: UnsafeRawBufferPointer) throws(Fault) -> [UInt8] {
    do throws(DigestError) {
      var digest = try SHA256()
      unsafe digest.update(bytes.bytes)
      return digest.finish()
    } catch { throw .digest(error) }
  }

  static func bytes(_ value: Int) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// Appends a row's numbers; rows are counted through all entries.
  func append(_ row: Int, to numbers: inout [Float]) {
    precondition(0..<rowCount ~= row, "rows must be there")
    let offset = Self.headerByteCount + row * kind.columnCount * MemoryLayout<Float>.stride
    // SAFETY: the row lies within the file, whose length was checked; any bits are a number, and the
    // header keeps their alignment.
    unsafe numbers.append(
      contentsOf: UnsafeBufferPointer(
        start: (base + offset).assumingMemoryBound(to: Float.self), count: kind.columnCount))
    withExtendedLifetime(self) {}
  }
}

/// Rows of several files, counted through all of them.
package final class FeatureStore: Sendable {
  package let columnCount: Int
  private let files: [StoredFeatures]
  /// First row of each file, and the end.
  private let starts: [Int]

  package init(_ files: [StoredFeatures], columnCount: Int) {
    precondition(
      files.allSatisfy { $0.kind.columnCount == columnCount }, "rows must be equally long")
    (self.files, self.columnCount) = (files, columnCount)
    starts = files.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.rowCount) }
  }

  package var rowCount: Int { starts[files.count] }

  func append(_ row: Int, to numbers: inout [Float]) {
    // They are few.
    for (number, file) in files.enumerated() where row < starts[number + 1] {
      return file.append(row - starts[number], to: &numbers)
    }
    preconditionFailure("rows must be there")
  }
}
