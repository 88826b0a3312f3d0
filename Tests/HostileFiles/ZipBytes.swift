/// Zip archives of stored entries, right and wrong, as bytes (APPNOTE 4.3).
package struct ZipBytes {
  package struct Entry {
    package var name: String
    package var data: [UInt8]
    package var method: UInt16 = 0
    package var flags: UInt16 = 0
    /// Size that headers claim; if nil, the data's own.
    package var size: UInt32?
    package var compressedSize: UInt32?
    /// Offset of the entry in the directory; if nil, the true one.
    package var offset: UInt32?

    package init(name: String, data: [UInt8], method: UInt16 = 0) {
      (self.name, self.data, self.method) = (name, data, method)
    }
  }

  package var entries: [Entry] = []
  /// Number of entries that the directory's end claims; if nil, the true one.
  package var claimedCount: UInt16?

  package init(_ entries: [Entry]) { self.entries = entries }

  /// Makes an archive as torch.save does: the pickle, and a storage per key.
  package init(pickle: [UInt8], storages: [(key: String, data: [UInt8])] = []) {
    entries = [Entry(name: "x/data.pkl", data: pickle)]
    entries += storages.map { Entry(name: "x/data/\($0.key)", data: $0.data) }
  }

  package var bytes: [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for entry in entries {
      let offset = UInt32(file.count)
      let header = header(entry)
      file += [0x50, 0x4b, 3, 4] + header + entry.name.utf8 + entry.data
      directory += [0x50, 0x4b, 1, 2, 20, 0] + header + [UInt8](repeating: 0, count: 10)
      directory += PickleBytes.little(entry.offset ?? offset).bytes + entry.name.utf8
    }
    let count = PickleBytes.little(claimedCount ?? UInt16(entries.count)).bytes
    let place =
      PickleBytes.little(UInt32(directory.count)).bytes
      + PickleBytes.little(UInt32(file.count)).bytes
    return file + directory + [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + count + count + place + [0, 0]
  }

  /// Returns the fields from the version needed to the extra field's length: the same in both
  /// places.
  private func header(_ entry: Entry) -> [UInt8] {
    let size = UInt32(entry.data.count)
    var header = PickleBytes.little(UInt16(20)).bytes + PickleBytes.little(entry.flags).bytes
    header += PickleBytes.little(entry.method).bytes + [0, 0, 0, 0, 0, 0, 0, 0]
    header += PickleBytes.little(entry.compressedSize ?? size).bytes
    header += PickleBytes.little(entry.size ?? size).bytes
    return header + PickleBytes.little(UInt16(entry.name.utf8.count)).bytes + [0, 0]
  }
}
