import Checkpoint
import Foundation
import ModelStore
import Testing

/// Examples of classes, on the disk and in memory.
@Suite struct ExampleStoreTests {
  private static let source = ExampleSource(
    digest: ModelVersion(digest: [UInt8](repeating: 7, count: 32)), featureCount: 3)

  private func example(
    _ label: String, _ number: UInt8, image: [UInt8]? = nil
  ) -> Example {
    Example(
      label: label, digest: ModelVersion(digest: [UInt8](repeating: number, count: 32)),
      features: [Float(number), -0.5, .leastNonzeroMagnitude], image: image)
  }

  private func all(_ store: ExampleStore) throws -> [Example] {
    var found: [Example] = []
    let always = { (_: String) in true }
    try store.forEach(withImages: always) { found.append($0) }
    return found
  }

  @Test("They are there after a restart, to the last bit, but for those that were removed")
  func restart() throws {
    let fixture = try StoreFixture()
    let examples = [example("cat", 1), example("a dög", 2), example("cat", 3)]
    do {
      let store = ExampleStore(in: try fixture.open())
      #expect(try store.add(examples, of: Self.source) == [.kept, .kept, .kept])
    }
    do {
      let store = ExampleStore(in: try fixture.open())
      #expect(try all(store) == examples)
      #expect(try store.summary().source == Self.source)
      #expect(try store.add([example("cat", 4)], of: Self.source) == [.kept])
      #expect(try store.remove("a dög") == 1)
      #expect(try store.remove("a dög") == 0)
    }
    let store = ExampleStore(in: try fixture.open())
    #expect(try all(store) == [examples[0], examples[2], example("cat", 4)])
    #expect(try store.remove(nil) == 3)
    #expect(try fixture.names(in: "").contains("examples") == false)
    #expect(try store.summary().source == nil)
  }

  @Test("The same image is kept once, and under one label", arguments: [true, false])
  func copies(isOnDisk: Bool) throws {
    let fixture = try StoreFixture()
    let store = ExampleStore(in: isOnDisk ? try fixture.open() : nil)
    let both = [example("a", 1), example("b", 1), example("a", 1), example("b", 2)]
    #expect(
      try store.add(both, of: Self.source) == [.kept, .conflict("a"), .known, .kept])
    #expect(try store.add([example("b", 1)], of: Self.source) == [.conflict("a")])
    #expect(try store.summary().count == 2)
    let other = ExampleSource(digest: Self.source.digest, featureCount: 4)
    #expect(throws: ExampleStore.Fault.self) { try store.add([example("c", 5)], of: other) }
    _ = try store.remove("a")
    #expect(try store.add([example("b", 1)], of: Self.source) == [.kept])
    #expect(try all(store) == [example("b", 2), example("b", 1)])
  }

  /// Returns a file as it is while its examples after so many are being written.
  private func unfinished(_ file: some Collection<UInt8>, keptCount: UInt8) -> [UInt8] {
    var bytes = Array(file)
    bytes[12] = keptCount
    return bytes
  }

  @Test("An example at the end that a kill cut off is left out, and those before it are kept")
  func cutOff() throws {
    let fixture = try StoreFixture()
    let image = Array("an image".utf8)
    do {
      let store = ExampleStore(in: try fixture.open())
      _ = try store.add([example("a", 1), example("b", 2, image: image)], of: Self.source)
    }
    let kept = try fixture.read(fixture.file("examples"))
    #expect(kept[kept.startIndex + 12] == 2)
    let whole = unfinished(kept, keptCount: 1)
    let oneByteCount = 48 + 40 + 1 + 12 + 8
    for count in [oneByteCount, oneByteCount + 1, oneByteCount + 40, whole.count - 1] {
      try Data(whole.prefix(count)).write(to: URL(filePath: fixture.file("examples")))
      let store = ExampleStore(in: try fixture.open())
      let expected = [example("a", 1)]
      #expect(try all(store) == expected, "\(count) bytes")
      #expect((store.takeNotice() != nil) == (count != oneByteCount))
      #expect(try store.add([example("c", 3)], of: Self.source) == [.kept])
      #expect(try all(store) == expected + [example("c", 3)])
    }
    // Bytes that a power failure left unwritten.
    try Data(whole.prefix(oneByteCount) + [UInt8](repeating: 0, count: 99))
      .write(to: URL(filePath: fixture.file("examples")))
    #expect(try all(ExampleStore(in: try fixture.open())) == [example("a", 1)])
    // Its image's digest is not that of its name here, so no image is handed over.
    try Data(whole).write(to: URL(filePath: fixture.file("examples")))
    #expect(try all(ExampleStore(in: try fixture.open())).map(\.image) == [nil, nil])
  }

  @Test("A file that lost examples that were kept is damaged, and is taken once it is shortened")
  func shortened() throws {
    let fixture = try StoreFixture()
    let disk = try fixture.open()
    do {
      let store = ExampleStore(in: disk)
      _ = try store.add([example("a", 1)], of: Self.source)
      _ = try store.add([example("b", 2), example("c", 3)], of: Self.source)
    }
    let whole = Array(try fixture.read(fixture.file("examples")))
    let oneByteCount = 40 + 1 + 12 + 8
    for count in [1, oneByteCount + 1, 2 * oneByteCount + 1, 3 * oneByteCount - 1] {
      try Data(whole.prefix(48 + count)).write(to: URL(filePath: fixture.file("examples")))
      let wholeCount = count / oneByteCount
      #expect(
        throws: StoreError.damagedExamples(
          offset: 48 + wholeCount * oneByteCount, byteCount: 48 + count, wholeCount: wholeCount)
      ) { try ExampleStore(in: disk).summary() }
    }
    try Data(whole.prefix(48 + oneByteCount)).write(
      to: URL(filePath: fixture.file("examples")))
    let store = ExampleStore(in: disk)
    #expect(try all(store) == [example("a", 1)])
    #expect(store.takeNotice()?.hasPrefix("the file of examples has 1 of 3 that were kept") == true)
    #expect(try store.add([example("b", 2)], of: Self.source) == [.kept])
    #expect(try ExampleStore(in: disk).summary().count == 2)
  }

  @Test("A file with any byte changed loses nothing silently, and can be removed or shortened")
  func damage() throws {
    let fixture = try StoreFixture()
    let disk = try fixture.open()
    do {
      let store = ExampleStore(in: disk)
      _ = try store.add(
        [example("a", 1), example("b", 2, image: Array("an image".utf8)), example("c", 3)],
        of: Self.source)
    }
    let whole = try fixture.read(fixture.file("examples"))
    let oneByteCount = 40 + 1 + 12 + 8
    // Of an image's bytes its own digest tells, and of the source's the live model's.
    let image = 48 + 2 * oneByteCount..<48 + 2 * oneByteCount + 8
    for place in whole.indices
    where ![image, 12..<48].contains(where: { $0.contains(place) }) {
      var changed = whole
      changed[place] ^= 0x80
      try Data(changed).write(to: URL(filePath: fixture.file("examples")))
      let store = ExampleStore(in: disk)
      #expect(throws: StoreError.self, "byte \(place)") { try store.summary() }
      #expect(throws: ExampleStore.Fault.self) {
        try store.add([example("d", 4)], of: Self.source)
      }
      #expect(throws: StoreError.self) { try store.remove("a") }
      #expect(try Array(fixture.read(fixture.file("examples"))) == Array(changed))
    }
    var changed = Array(whole)
    changed[48 + oneByteCount + 41] ^= 1
    try Data(changed).write(to: URL(filePath: fixture.file("examples")))
    let store = ExampleStore(in: disk)
    #expect(
      throws: StoreError.damagedExamples(
        offset: 48 + oneByteCount, byteCount: whole.count, wholeCount: 1)
    ) { try store.summary() }
    try Data(changed.prefix(48 + oneByteCount)).write(
      to: URL(filePath: fixture.file("examples")))
    #expect(try all(store) == [example("a", 1)])
    for other in ["", "something else"] {
      #expect(try store.remove(nil) <= 1)
      try fixture.write(other, to: "examples")
      let store = ExampleStore(in: disk)
      #expect(
        throws: StoreError.damagedExamples(
          offset: 0, byteCount: other.utf8.count, wholeCount: 0)
      ) { try store.summary() }
      #expect(try store.remove(nil) == 0)
      #expect(try store.summary().count == 0)
    }
  }

  @Test(
    "A disk that fails at any step leaves the examples as before or after, here and on the disk")
  func faults() throws {
    for step in 0..<16 {
      let fixture = try StoreFixture()
      let disk = FaultyDisk()
      let store = ExampleStore(in: try fixture.open(disk: disk.hook))
      _ = try store.add([example("a", 1), example("b", 2)], of: Self.source)
      disk.fail(step..<step + 1, with: ENOSPC)
      let added = try? store.add([example("c", 3)], of: Self.source)
      let removed = try? store.remove("a")
      disk.fail(0..<0, with: 0)
      let left = try all(store)
      let labels = left.map(\.label)
      #expect(left.contains(example("b", 2)) && Set(labels).isSubset(of: ["a", "b", "c"]))
      #expect(added == nil || labels.contains("c"), "step \(step)")
      #expect(removed == nil || !labels.contains("a"), "step \(step)")
      #expect(labels == labels.sorted())
      #expect(added != nil || removed != nil)
      let copy = try Data(contentsOf: URL(filePath: fixture.file("examples")))
      let other = try StoreFixture()
      let second = try other.open()
      try copy.write(to: URL(filePath: other.file("examples")))
      #expect(try all(ExampleStore(in: second)) == left)
    }
  }

  @Test("Limits of number, labels and bytes, and a full disk, refuse all of a request")
  func limits() throws {
    var limits = ExampleStore.Limits()
    (limits.count, limits.labelCount, limits.memoryByteCount) = (3, 2, 300)
    let store = ExampleStore(in: nil, limits: limits)
    _ = try store.add([example("a", 1), example("b", 2)], of: Self.source)
    #expect(throws: ExampleStore.Fault.self) {
      try store.add([example("a", 3), example("a", 4)], of: Self.source)
    }
    #expect(throws: ExampleStore.Fault.self) { try store.add([example("c", 3)], of: Self.source) }
    #expect(throws: ExampleStore.Fault.self) {
      try store.add([example("a", 3, image: [UInt8](repeating: 0, count: 300))], of: Self.source)
    }
    #expect(try store.summary().count == 2)
    let fixture = try StoreFixture()
    let full = ExampleStore(in: try fixture.open(space: { _ in 1000 }))
    #expect(throws: ExampleStore.Fault.self) { try full.add([example("a", 1)], of: Self.source) }
    #expect(try full.summary().count == 0)
  }
}
