import Checkpoint
import ModelStore
import Testing

@Suite struct StoreLimitsTests {
  private func limits(_ change: (inout StoreLimits) -> Void) -> StoreLimits {
    var limits = StoreLimits()
    change(&limits)
    return limits
  }

  @Test func `an upload over its limit is refused at once or when it grows over it`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open(limits { $0.uploadByteLimit = 100 })
    #expect(throws: StoreError.uploadTooLarge(byteCount: 101, limit: 100)) {
      try store.beginUpload(expectedByteCount: 101)
    }
    let upload = try store.beginUpload(expectedByteCount: nil)
    try upload.append([UInt8](repeating: 1, count: 100))
    #expect(throws: StoreError.uploadTooLarge(byteCount: 101, limit: 100)) {
      try upload.append([1])
    }
    #expect(throws: StoreError.uploadEnded) { try upload.finish() }
    #expect(try fixture.names(in: "incoming").isEmpty)
  }

  @Test func `so many uploads and no more are under way`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open(limits { $0.uploadCountLimit = 2 })
    let upload = try store.beginUpload(expectedByteCount: nil)
    let staged = try store.stage(model(1))
    #expect(throws: StoreError.tooManyUploads(limit: 2)) {
      try store.beginUpload(expectedByteCount: nil)
    }
    #expect(try fixture.names(in: "incoming").count == 2)
    store.discard(staged)
    try store.store(model(1))
    upload.discard()
    try store.store(model(2))
  }

  @Test func `the oldest versions that are not in use go first`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open(limits { $0.versionCountLimit = 4 })
    let versions = try (1...4).map { try store.store(model($0)) }
    try store.recordLive(versions[0], by: "test")
    try store.pin(versions[1])
    let fifth = try store.store(model(5))
    #expect(store.versions().map(\.version) == [fifth, versions[3], versions[1], versions[0]])
    #expect(store.path(of: versions[2]) == nil)
    let names = store.versions().flatMap { [$0.version.hex, $0.version.hex + ".json"] }
    #expect(try fixture.names(in: "versions") == names.sorted())
  }

  @Test func `versions go until the bytes are within their limit`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open(limits { $0.totalByteLimit = 10_000 })
    let small = try (1...5).map { try store.store(model($0, byteCount: 1999)) }
    #expect(store.versions().count == 5)
    let large = try store.store(model(9, byteCount: 6999))
    #expect(store.versions().map(\.version) == [large, small[4]])
  }

  @Test func `a model for which those in use leave no room is refused before its first byte`()
    throws
  {
    let fixture = try StoreFixture()
    let store = try fixture.open(limits { $0.totalByteLimit = 10_000 })
    try store.recordLive(try store.store(model(1, byteCount: 5999)), by: "test")
    let error = StoreError.noRoom(neededByteCount: 10_001, limit: 10_000)
    #expect(throws: error) { try store.beginUpload(expectedByteCount: 4001) }
    let upload = try store.beginUpload(expectedByteCount: nil)
    try upload.append(model(2, byteCount: 4000))
    let staged = try upload.finish()
    #expect(throws: error) { try store.keep(staged, name: "model", by: "test") }
    #expect(store.versions().count == 1)
    #expect(try fixture.names(in: "incoming").isEmpty)
  }

  @Test func `a model for which those in use leave no place is refused`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open(limits { $0.versionCountLimit = 1 })
    try store.recordLive(try store.store(model(1)), by: "test")
    #expect(throws: StoreError.noVersionFree(limit: 1)) { try store.store(model(2)) }
    #expect(try fixture.names(in: "incoming").isEmpty)
  }

  @Test func `a limit that was lowered holds from the next start`() throws {
    let fixture = try StoreFixture()
    var store: ModelStore? = try fixture.open()
    let versions = try (1...5).map { try #require(store).store(model($0)) }
    try store?.recordLive(versions[0], by: "test")
    store = nil
    store = try fixture.open(limits { $0.versionCountLimit = 2 })
    #expect(store?.versions().map(\.version) == [versions[4], versions[0]])
  }

  @Test func `the newest model stays though the clock was set back`() throws {
    let fixture = try StoreFixture()
    var store: ModelStore? = try fixture.open(clock: FakeClock())
    for seed in 1...3 as ClosedRange<UInt8> { try #require(store).store(model(seed)) }
    store = nil
    store = try ModelStore(
      folder: fixture.path, limits: limits { $0.versionCountLimit = 2 },
      clock: { WallTime(millisecondsSince1970: 5) })
    let newest = try #require(store).store(model(9))
    #expect(store?.versions().count == 2)
    #expect(store?.path(of: newest) != nil)
  }

  @Test func `what the disk has no room for is refused with the numbers`() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open(
      limits {
        $0.uploadByteLimit = .max
        $0.totalByteLimit = .max
      })
    let error = #expect(throws: StoreError.self) {
      try store.beginUpload(expectedByteCount: .max)
    }
    guard case .full(_, let needed, let available) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(needed == .max && available > 0)
    #expect(try fixture.names(in: "incoming").isEmpty)
  }
}
