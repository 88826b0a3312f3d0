import CZip

/// A zip archive of stored entries, whose directory libzip reads and whose data stay in place.
///
/// Compressed and encrypted entries are rejected: PyTorch writes neither, so no entry is larger
/// than the file. Checksums are ignored, because PyTorch can be told not to write them.
@safe
struct ZipArchive: ~Copyable {
  struct Entry {
    fileprivate let index: UInt64
    fileprivate let name: String
    let byteCount: Int
    /// Reason why its bytes do not lie in the file unchanged; nil if they do.
    fileprivate let fault: String?
  }

  static let entryCountLimit = SafetensorsLimits.tensorCount + 1024

  let entries: [String: Entry]
  private let archive: OpaquePointer
  private let source: ZipSource

  init(_ bytes: ModelBytes) throws(CheckpointError) {
    guard Self.hasEnd(bytes) else {
      throw .malformed(
        format: .pytorchArchive, offset: bytes.count,
        reason: "the archive's directory, which ends it, is not there: \(CheckpointError.cutShort)")
    }
    let source = ZipSource(bytes)
    let archive = unsafe try source.open()
    let entries: [String: Entry]
    do throws(CheckpointError) {
      entries = unsafe try Self.entries(of: archive, fileByteCount: bytes.count)
    } catch {
      unsafe zip_discard(archive)
      throw error
    }
    (self.source, self.entries) = (source, entries)
    unsafe self.archive = archive
  }

  deinit { unsafe zip_discard(archive) }

  /// Returns whether a record of the directory's end is where it may be: before a comment of at
  /// most 65,535 bytes (APPNOTE 4.3.16).
  private static func hasEnd(_ bytes: ModelBytes) -> Bool {
    let recordByteCount = 22
    guard bytes.count >= recordByteCount else { return false }
    let last = bytes.count - recordByteCount
    return stride(from: last, through: max(0, last - Int(UInt16.max)), by: -1).contains {
      bytes.integer(at: $0, as: UInt32.self) == 0x0605_4b50
    }
  }

  private static func entries(
    of archive: OpaquePointer, fileByteCount: Int
  ) throws(CheckpointError) -> [String: Entry] {
    let count = unsafe zip_get_num_entries(archive, 0)
    guard 0...Int64(entryCountLimit) ~= count else {
      throw .overLimit(what: "entries of the archive", value: Int(count), limit: entryCountLimit)
    }
    var entries: [String: Entry] = [:]
    for index in 0..<UInt64(count) {
      let entry = unsafe try entry(index, of: archive, fileByteCount: fileByteCount)
      guard entries.updateValue(entry, forKey: entry.name) == nil else {
        throw fault("two entries are called \(entry.name)")
      }
    }
    return entries
  }

  private static func entry(
    _ index: UInt64, of archive: OpaquePointer, fileByteCount: Int
  ) throws(CheckpointError) -> Entry {
    var status = unsafe zip_stat()
    guard unsafe zip_stat_index(archive, index, zip_flags_t(ZIP_FL_ENC_RAW), &status) == 0,
      let text = unsafe status.name
    else { throw fault("entry \(index) of its directory cannot be read") }
    guard let name = unsafe String(validatingCString: text),
      1...PickleLimits.nameByteCount ~= name.utf8.count
    else {
      throw fault("entry \(index) has no name of at most \(PickleLimits.nameByteCount) bytes")
    }
    guard !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else {
      throw fault("entry \(index) is called \(name)")
    }
    let (size, compressedSize) = unsafe (status.size, status.comp_size)
    let (method, encryption) = unsafe (status.comp_method, status.encryption_method)
    var reason: String?
    if Int32(encryption) != ZIP_EM_NONE {
      reason =
        "\(name) is encrypted, PyTorch stores entries as they are: pack it without a password"
    } else if Int32(method) != ZIP_CM_STORE || compressedSize != size {
      reason =
        "\(name) is compressed, PyTorch stores entries as they are: save it anew, in Python: "
        + "torch.save(torch.load(\"model.pth\"), \"stored.pth\"), or unpack it and pack it without "
        + "compression (unzip, zip -0 -r)"
    } else if size > UInt64(fileByteCount) {
      reason = "\(name) claims \(size) bytes of a file of \(fileByteCount)"
    }
    return Entry(index: index, name: name, byteCount: Int(clamping: size), fault: reason)
  }

  /// Throws if any entry is not stored unchanged, whether it is needed or not.
  func checkStored() throws(CheckpointError) {
    let faulty = entries.values.filter { $0.fault != nil }.min { $0.index < $1.index }
    if let reason = faulty?.fault { throw Self.fault(reason) }
  }

  /// Returns the range of an entry's bytes in the file.
  func range(of entry: Entry) throws(CheckpointError) -> Range<Int> {
    if let reason = entry.fault { throw Self.fault(reason) }
    guard entry.byteCount > 0 else { return 0..<0 }
    guard let file = unsafe zip_fopen_index(archive, entry.index, 0) else {
      throw Self.fault("\(entry.name) cannot be opened")
    }
    defer { unsafe _ = zip_fclose(file) }
    var byte: UInt8 = 0
    source.forgetRead()
    // SAFETY: one byte is read into one byte.
    let count = unsafe zip_fread(file, &byte, 1)
    // libzip does not buffer: stored data are read in place, so the offset of the read is that of
    // the data.
    guard count == 1, let start = source.firstRead, source.bytes.byte(at: start) == byte,
      entry.byteCount <= source.bytes.count - start
    else { throw Self.fault("\(entry.name) is not where its directory says") }
    return start..<(start + entry.byteCount)
  }

  static func fault(_ reason: String) -> CheckpointError {
    .malformed(format: .pytorchArchive, offset: 0, reason: reason)
  }
}
