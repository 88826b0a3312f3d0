import Checkpoint
import Foundation
import ModelStore
import Testing

@Suite struct UploadTests {
  @Test func `an upload is kept under the digest of its bytes`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let upload = try store.beginUpload(expectedByteCount: 3)
    try upload.append(Array("a".utf8))
    try upload.append([])
    try upload.append(Array("bc".utf8))
    let staged = try upload.finish()
    // The example for "abc" in FIPS 180-4.
    let digits = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(staged.version.hex == digits)
    #expect(staged.byteCount == 3)
    #expect(try fixture.read(staged.path) == Array("abc".utf8))
    let kept = try store.keep(staged, name: "letters", by: "somebody")
    #expect(kept.name == "letters" && kept.by == "somebody" && kept.byteCount == 3)
    #expect(kept.state == .kept && !kept.isPinned)
    #expect("\(kept.storedAt)" == "2027-01-15T08:00:01.000Z")
    let path = try #require(store.path(of: kept.version))
    #expect(path == fixture.file("versions/\(digits)"))
    #expect(try fixture.read(path) == Array("abc".utf8))
    #expect(try fixture.names(in: "incoming").isEmpty)
  }

  @Test func `an upload of unknown length is kept as well`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let upload = try store.beginUpload(expectedByteCount: nil)
    try upload.append(model(1))
    let kept = try store.keep(try upload.finish(), name: "", by: "")
    #expect(kept.byteCount == model(1).count)
  }

  @Test func `the same bytes again are the version that is kept`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let first = try store.keep(try store.stage(model(1)), name: "first", by: "one")
    let again = try store.keep(try store.stage(model(1)), name: "again", by: "two")
    #expect(again == first)
    #expect(store.versions() == [first])
    #expect(try fixture.names(in: "incoming").isEmpty)
  }

  @Test func `the same bytes again mend a damaged file`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let version = try store.store(model(1))
    try fixture.write("damage", to: "versions/\(version.hex)")
    #expect(throws: StoreError.damaged(version, path: store.path(of: version)!)) {
      try store.verify(version)
    }
    try store.store(model(1))
    try store.verify(version)
  }

  @Test func `an upload that is let go leaves nothing behind`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    do {
      let upload = try store.beginUpload(expectedByteCount: nil)
      try upload.append(model(1))
      #expect(try fixture.names(in: "incoming").count == 1)
    }
    #expect(try fixture.names(in: "incoming").isEmpty)
  }

  @Test func `an upload that was discarded takes no more`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let upload = try store.beginUpload(expectedByteCount: nil)
    upload.discard()
    upload.discard()
    #expect(throws: StoreError.uploadEnded) { try upload.append([1]) }
    #expect(throws: StoreError.uploadEnded) { try upload.finish() }
    #expect(try fixture.names(in: "incoming").isEmpty)
  }

  @Test func `a whole upload waits until it is discarded`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let staged = try store.stage(model(1))
    #expect(try fixture.names(in: "incoming").count == 1)
    store.discard(staged)
    store.discard(staged)
    #expect(try fixture.names(in: "incoming").isEmpty)
    #expect(throws: StoreError.notStaged(path: staged.path)) {
      try store.keep(staged, name: "late", by: "test")
    }
  }

  @Test func `a whole upload outlives the object that took its bytes`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let staged = try store.stage(model(2))
    #expect(try fixture.read(staged.path) == model(2))
    #expect(try store.keep(staged, name: "model", by: "test").version == staged.version)
  }

  @Test(arguments: [2, 4]) func `more or fewer bytes than announced are refused`(_ count: Int)
    throws
  {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let upload = try store.beginUpload(expectedByteCount: 3)
    #expect(throws: StoreError.wrongLength(byteCount: count, expected: 3)) {
      try upload.append([UInt8](repeating: 0, count: count))
      _ = try upload.finish()
    }
    #expect(try fixture.names(in: "incoming").isEmpty)
  }

  @Test func `an upload without bytes is refused`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    #expect(throws: StoreError.emptyUpload) { try store.beginUpload(expectedByteCount: 0) }
    #expect(throws: StoreError.emptyUpload) { try store.beginUpload(expectedByteCount: -1) }
    let upload = try store.beginUpload(expectedByteCount: nil)
    #expect(throws: StoreError.emptyUpload) { try upload.finish() }
  }

  @Test func `uploads from several threads are kept side by side`() async throws {
    let fixture = try StoreFixture()
    var limits = StoreLimits()
    limits.uploadCountLimit = 8
    let store = try fixture.open(limits)
    let versions = try await withThrowingTaskGroup(of: ModelVersion.self) { group in
      for seed in 0..<8 as Range<UInt8> {
        group.addTask {
          let version = try store.store(model(seed / 2, byteCount: 200_000))
          try store.recordLive(version, by: "thread \(seed)")
          _ = store.versions()
          return version
        }
      }
      return try await group.reduce(into: Set<ModelVersion>()) { $0.insert($1) }
    }
    #expect(versions.count == 4)
    #expect(Set(store.versions().map(\.version)) == versions)
    for version in versions { try store.verify(version) }
    let live = try #require(store.live)
    #expect(versions.contains(live.version) && live.previous != live.version)
  }
}
