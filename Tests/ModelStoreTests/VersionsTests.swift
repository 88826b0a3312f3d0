import Checkpoint
import Foundation
import ModelStore
import Testing

@Suite struct VersionsTests {
  @Test func `versions are listed newest first with their state`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let versions = try (1...4).map { try store.store(model($0)) }
    try store.recordLive(versions[0], by: "one")
    try store.recordLive(versions[1], by: "two")
    try store.pin(versions[2])
    #expect(store.versions().map(\.version) == versions.reversed())
    #expect(store.versions().map(\.state) == [.kept, .kept, .live, .previous])
    #expect(store.versions().map(\.isPinned) == [false, true, false, false])
  }

  @Test func `what is live becomes the previous version`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    #expect(store.live == nil)
    let (a, b) = (try store.store(model(1)), try store.store(model(2)))
    try store.recordLive(a, by: "one")
    #expect(store.live?.version == a && store.live?.previous == nil && store.live?.by == "one")
    let since = store.live?.since
    try store.recordLive(a, by: "two")
    #expect(store.live?.by == "one" && store.live?.since == since)
    try store.recordLive(b, by: "two")
    #expect(store.live?.version == b && store.live?.previous == a)
    // This is a rollback.
    try store.recordLive(a, by: "three")
    #expect(store.live?.version == a && store.live?.previous == b)
  }

  @Test func `all of it is there after opening again`() throws {
    let fixture = try StoreFixture()
    var store: ModelStore? = try fixture.open()
    let a = try #require(store).store(model(1), name: "ä \"quoted\"\u{0}\n")
    let b = try #require(store).store(model(2))
    try store?.recordLive(a, by: "one")
    try store?.recordLive(b, by: "two")
    let (versions, live) = (store?.versions(), store?.live)
    store = nil
    store = try fixture.open()
    #expect(store?.versions() == versions)
    #expect(store?.live == live)
    #expect(store?.notices == [])
  }

  @Test func `what is not kept cannot be live, pinned, removed or read`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let staged = try store.stage(model(1))
    let unknown = StoreError.unknownVersion(staged.version.hex)
    #expect(throws: unknown) { try store.recordLive(staged.version, by: "test") }
    #expect(throws: unknown) { try store.pin(staged.version) }
    #expect(throws: unknown) { try store.remove(staged.version) }
    #expect(throws: unknown) { try store.verify(staged.version) }
    #expect(store.path(of: staged.version) == nil)
  }

  @Test func `live, previous and pinned versions are not removed`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let versions = try (1...4).map { try store.store(model($0)) }
    try store.recordLive(versions[0], by: "test")
    try store.recordLive(versions[1], by: "test")
    try store.pin(versions[2])
    try store.pin(versions[2])
    store.unpin(versions[2])
    for (version, use) in zip(versions, ["what a rollback goes to", "live", "pinned"]) {
      #expect(throws: StoreError.versionInUse(version, use: use)) { try store.remove(version) }
    }
    store.unpin(versions[2])
    store.unpin(versions[2])
    try store.remove(versions[2])
    try store.remove(versions[3])
    let kept = versions[..<2].map(\.hex)
    #expect(try fixture.names(in: "versions") == (kept + kept.map { $0 + ".json" }).sorted())
    #expect(store.versions().map(\.version) == versions[..<2].reversed())
  }

  @Test func `a version is found by the beginning of its digits`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let version = try store.store(model(1))
    let prefixes = [
      version.hex, version.short, String(version.hex.prefix(8)).uppercased(),
      "sha256:\(version.hex)",
    ]
    for prefix in prefixes {
      #expect(try store.version(matching: prefix).version == version)
    }
    #expect(throws: StoreError.unknownVersion("00000000")) {
      try store.version(matching: "00000000")
    }
  }

  @Test(arguments: [
    "", "1234567", "1234567g", "../../../etc", "ｆｆｆｆｆｆｆｆ", String(repeating: "a", count: 65),
  ])
  func `what are no digits of a version is refused`(_ text: String) throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    #expect(throws: StoreError.malformedVersion(String(text.prefix(64)), least: 8)) {
      try store.version(matching: text)
    }
  }

  @Test func `digits that two versions begin with are ambiguous`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    // Found by trial: the digests of both strings begin with the same eight digits.
    let (left, right) = try #require(Self.collision)
    let (a, b) = (try store.store(left), try store.store(right))
    let prefix = String(a.hex.prefix(8))
    #expect(b.hex.hasPrefix(prefix))
    #expect(throws: StoreError.ambiguousVersion(prefix, count: 2)) {
      try store.version(matching: prefix)
    }
    #expect(try store.version(matching: a.hex).version == a)
  }

  /// Two short strings whose SHA-256 begin with the same four bytes: about 80,000 tries.
  private static var collision: ([UInt8], [UInt8])? {
    var seen: [Substring: Int] = [:]
    for number in 0..<1_000_000 {
      let text = Array("\(number)".utf8)
      guard let beginning = try? version(of: text).hex.prefix(8) else { return nil }
      if let other = seen[beginning] { return (Array("\(other)".utf8), text) }
      seen[beginning] = number
    }
    return nil
  }

  @Test func `texts that are too long are refused and the upload goes`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let long = String(repeating: "x", count: 257)
    let staged = [try store.stage(model(1)), try store.stage(model(2))]
    #expect(throws: StoreError.self) { try store.keep(staged[0], name: long, by: "test") }
    #expect(throws: StoreError.self) { try store.keep(staged[1], name: "model", by: long) }
    let version = try store.store(model(3), name: String(long.dropLast()))
    #expect(throws: StoreError.self) { try store.recordLive(version, by: long) }
    #expect(store.live == nil && store.versions().count == 1)
    #expect(try fixture.names(in: "incoming").isEmpty)
  }

  @Test func `a folder is used by one store at a time, and by nobody else`() throws {
    let fixture = try StoreFixture()
    var store: ModelStore? = try fixture.open()
    #expect(store != nil)
    let lock = fixture.file("lock")
    #expect(throws: StoreError.folderInUse(path: fixture.path, lock: lock)) {
      try fixture.open()
    }
    let inUse = "\(StoreError.folderInUse(path: fixture.path, lock: lock))"
    #expect(inUse.contains(fixture.path))
    store = nil
    store = try fixture.open()
    for name in ["", "versions", "incoming"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: fixture.file(name))
      #expect(attributes[.posixPermissions] as? Int == 0o700)
    }
  }
}
