/// Zip archives that PyTorch does not write, made from one that it might.
package enum HostileArchives {
  package static let all = entries + names

  /// An archive of one tensor with one number.
  package static let sound = archive()

  private static let one = PickleBytes.dictionary([
    ("a", .tensor(.storage("0", count: 1), [1], [1]))
  ]).pickle()
  private static let number: [UInt8] = [0, 0, 0, 0]

  private static func archive(
    _ entries: ZipBytes.Entry..., change: (inout ZipBytes) -> Void = { _ in }
  ) -> [UInt8] {
    var archive = ZipBytes(pickle: one, storages: [("0", number)])
    archive.entries += entries
    change(&archive)
    return archive.bytes
  }

  private static let entries: [Hostile] = [
    Hostile("a compressed storage", "compressed", bytes: archive { $0.entries[1].method = 8 }),
    Hostile(
      "a gigabyte out of four bytes", "compressed",
      bytes: archive {
        $0.entries[1].method = 8
        $0.entries[1].size = 1 << 30
      }),
    Hostile("two sizes", "compressed", bytes: archive { $0.entries[1].size = 5 }),
    Hostile(
      "a compressed entry that nobody needs", "compressed",
      bytes: archive(.init(name: "x/unused", data: [3, 0], method: 8))),
    Hostile("an encrypted storage", "encrypted", bytes: archive { $0.entries[1].flags = 1 }),
    Hostile("an encrypted pickle", "encrypted", bytes: archive { $0.entries[0].flags = 1 }),
    Hostile(
      "a storage past the file", "claims 1073741824 bytes",
      bytes: archive {
        $0.entries[1].size = 1 << 30
        $0.entries[1].compressedSize = 1 << 30
      }),
    Hostile(
      "a storage past the file's end", "is not where its directory says",
      bytes: archive {
        $0.entries[1].size = 300
        $0.entries[1].compressedSize = 300
      }),
    Hostile("an offset past the file", format, bytes: archive { $0.entries[1].offset = 1 << 31 }),
    Hostile("an offset of no entry", format, bytes: archive { $0.entries[1].offset = 7 }),
    Hostile("too many entries claimed", format, bytes: archive { $0.claimedCount = 40_000 }),
    Hostile("no storage", "no entry x/data/0", bytes: archive { $0.entries.remove(at: 1) }),
    Hostile("a short storage", "has 3 bytes", bytes: archive { $0.entries[1].data.removeLast() }),
    Hostile("an empty storage", "has 0 bytes", bytes: archive { $0.entries[1].data = [] }),
    Hostile("an empty pickle", "claims 1 bytes", bytes: archive { $0.entries[0].data = [] }),
    Hostile("no pickle", "begins with", bytes: archive { $0.entries[0].data = [0] }),
    Hostile("half a pickle", "claims", bytes: archive { $0.entries[0].data.removeLast(8) }),
    Hostile("a mere beginning", format, bytes: [0x50, 0x4b, 3, 4]),
    Hostile("a mere end", format, bytes: [0x50, 0x4b, 5, 6, 0, 0]),
    Hostile(
      "a call", "refuses os.system (byte 42)",
      bytes: ZipBytes(pickle: PickleBytes.of(.global("os", "system"), .code(")R")).pickle()).bytes),
  ]

  private static let format = "not a valid PyTorch zip file"

  private static let names: [Hostile] = [
    named("x/data/0", "two entries are called x/data/0"),
    named("x/data.pkl", "two entries are called x/data.pkl"),
    named("y/data.pkl", "2 entries NAME/data.pkl"),
    named("../../etc/passwd", "is called ../../etc/passwd"),
    named("x/../y", "is called x/../y"), named("/etc/passwd", "is called /etc/passwd"),
    named("", "has no name"), named(String(repeating: "n", count: 257), "has no name"),
    named("x/constants.pkl", "TorchScript"),
    Hostile(
      "a compressed program", "TorchScript",
      bytes: archive(.init(name: "x/constants.pkl", data: one, method: 8))),
    Hostile("no folder", noPickle, bytes: archive { $0.entries[0].name = "data.pkl" }),
    Hostile("two folders", noPickle, bytes: archive { $0.entries[0].name = "x/y/data.pkl" }),
    Hostile("no entries", noPickle, bytes: ZipBytes([]).bytes),
    byteOrder("big"), byteOrder("little-endian"), byteOrder(""),
  ]

  private static let noPickle = "0 entries NAME/data.pkl"

  /// Returns an archive with one more entry.
  private static func named(_ name: String, _ expected: String) -> Hostile {
    Hostile("an entry \(name)", expected, bytes: archive(.init(name: name, data: number)))
  }

  private static func byteOrder(_ text: String) -> Hostile {
    Hostile(
      "byte order \(text)", "not little-endian",
      bytes: archive(.init(name: "x/byteorder", data: Array(text.utf8))))
  }
}
