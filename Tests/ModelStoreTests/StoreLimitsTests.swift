import Checkpoint
import Foundation
import Glibc
import ModelStore
import Synchronization
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

  @Test(arguments: [true, false])
  func `an upload ends when others have filled the disk up to its reserve`(_ isAnnounced: Bool)
    throws
  {
    let fixture = try StoreFixture()
    let limits = limits {
      $0.spaceCheckByteCount = 1000
      $0.freeByteReserve = 5000
    }
    let free = Mutex(20_000)
    let looks = Mutex(0)
    let store = try fixture.open(
      limits,
      space: { _ in
        looks.withLock { $0 += 1 }
        return free.withLock(\.self)
      })
    let upload = try store.beginUpload(expectedByteCount: isAnnounced ? 9000 : nil)
    let part = [UInt8](repeating: 1, count: 500)
    for _ in 0..<8 { try upload.append(part) }
    // One at the beginning, one at the first bytes, then one for every thousand.
    #expect(looks.withLock(\.self) == 5)
    free.withLock { $0 = 5000 }
    let error = #expect(throws: StoreError.self) {
      for _ in 0..<2 { try upload.append(part) }
    }
    guard case .full(_, let needed, 5000) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(needed == (isAnnounced ? 10_000 : 5500))
    #expect(throws: StoreError.uploadEnded) { try upload.finish() }
    #expect(try fixture.names(in: "incoming").isEmpty)
  }

  /// Uses a file system of its own, for those who may mount one.
  @Test(.enabled(if: geteuid() == 0))
  func `an upload of unknown length leaves a small disk its reserve`() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/resnetd-disk-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    guard unsafe mount("tmpfs", folder, "tmpfs", 0, "size=4m") == 0 else { return }
    defer { _ = unsafe umount2(folder, CInt(MNT_DETACH)) }
    let limits = limits {
      $0.freeByteReserve = 1 << 20
      $0.spaceCheckByteCount = 64 << 10
    }
    let store = try ModelStore(folder: folder + "/store", limits: limits)
    let upload = try store.beginUpload()
    let part = [UInt8](repeating: 7, count: 64 << 10)
    let error = #expect(throws: StoreError.self) {
      for _ in 0..<64 { try upload.append(part) }
    }
    guard case .full(_, _, let available) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(1 << 20..<1 << 20 + 2 * part.count ~= available)
    // Something smaller still finds its place, once no process that another test has forked meanwhile
    // holds the removed file open.
    let end = ContinuousClock.now + .seconds(60)
    var version: ModelVersion?
    while version == nil {
      do {
        version = try store.store(model(1))
      } catch StoreError.full where .now < end {
        usleep(10_000)
      }
    }
    try store.recordLive(#require(version), by: "test")
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
