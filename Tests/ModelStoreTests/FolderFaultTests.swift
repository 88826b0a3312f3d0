import Checkpoint
import Files
import Foundation
import Glibc
import ModelStore
import Testing

/// A folder that goes, is replaced or refuses changes while a store uses it.
@Suite struct FolderFaultTests {
  private let fixture: StoreFixture
  private let store: ModelStore
  private let live: ModelVersion

  init() throws {
    fixture = try StoreFixture()
    store = try fixture.open()
    live = try store.store(model(1))
    try store.recordLive(live, by: "test")
  }

  private func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: name.isEmpty ? fixture.path : fixture.file(name))
  }

  private func expectRefusal(_ change: () throws -> Void) {
    do {
      try change()
      Issue.record("it was not refused")
    } catch StoreError.folderFault(let fault) {
      #expect(fault.description.hasPrefix(fixture.path))
      #expect(!fault.words.contains(fixture.path))
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test("A folder that nobody has touched has no fault")
  func whole() {
    #expect(store.examineFolder() == nil)
    #expect(store.folderFault == nil && store.recordFault == nil)
    for failure in DiskFailure.allCases { #expect(store.failureCount(of: failure) == 0) }
  }

  @Test("A folder that is gone refuses every change but a rollback's, and is not made anew")
  func gone() throws {
    let staged = try store.stage(model(2))
    try remove("")
    expectRefusal { _ = try store.beginUpload() }
    expectRefusal { _ = try store.keep(staged, name: "b", by: "test") }
    expectRefusal { try store.recordLive(live, by: "again") }
    expectRefusal { try store.remove(live) }
    #expect(store.folderFault?.kind == .missing, "without another look")
    #expect(store.recordFault?.contains("is gone") == true)
    #expect(store.failureCount(of: .refused) == 4)
    try store.assumeLive(live, by: "rollback", because: .emptyUpload)
    #expect(store.standing.recordFault != nil)
    #expect(!FileManager.default.fileExists(atPath: fixture.path))
    #expect(store.examineFolder()?.losesModels == true)
  }

  @Test("A folder that comes back is used again; another one in its place is not")
  func back() throws {
    let away = fixture.path + ".away"
    #expect(unsafe rename(fixture.path, away) == 0)
    #expect(store.examineFolder()?.kind == .missing)
    try FileManager.default.createDirectory(
      atPath: fixture.path, withIntermediateDirectories: false)
    #expect(store.examineFolder()?.kind == .replaced)
    expectRefusal { try store.recordLive(live, by: "again") }
    try remove("")
    #expect(unsafe rename(away, fixture.path) == 0)
    #expect(store.examineFolder() == nil)
    #expect(store.recordFault == nil)
    try store.recordLive(try store.store(model(2)), by: "test")
  }

  @Test("What a restart needs of the folder is looked for, one by one")
  func parts() throws {
    for (name, entry) in [
      ("versions/\(live.hex)", "versions/\(live.hex)"), ("live.json", "live.json"),
      ("lock", "lock"),
      ("incoming", "incoming"), ("versions", "versions"),
    ] {
      try remove(name)
      let fault = store.examineFolder()
      #expect(fault?.entry == entry && fault?.kind == .missing)
      #expect(
        fault?.description == "\(fixture.file(entry)) is gone: it was removed, renamed or unmounted"
      )
    }
  }

  @Test(
    "A folder that cannot be written is told of", .enabled(if: geteuid() != 0, "root may write"))
  func unwritable() throws {
    #expect(unsafe chmod(fixture.path, 0o500) == 0)
    defer { _ = unsafe chmod(fixture.path, 0o700) }
    let fault = store.examineFolder()
    #expect(fault?.kind == .unwritable(reason: "Permission denied"))
    #expect(fault?.losesModels == false && store.recordFault == nil)
  }

  @Test(
    "A file system that refuses what the modes allow is told of, until it takes files again",
    arguments: [EROFS, EIO])
  func readOnly(_ number: CInt) throws {
    let disk = FaultyDisk()
    let fixture = try StoreFixture()
    let store = try fixture.open(disk: disk.hook)
    try store.recordLive(try store.store(model(1)), by: "test")
    disk.fail(0..<1, with: number)
    let fault = store.examineFolder()
    #expect(fault?.kind == .unwritable(reason: SystemError.text(number)))
    #expect(fault?.losesModels == false && store.recordFault == nil)
    #expect(store.failureCount(of: .refused) == 0, "a look is no change")
    #expect(store.examineFolder() == nil)
    #expect(try fixture.names(in: "incoming").isEmpty)
  }

  @Test("What is not written is counted by cause")
  func counts() throws {
    let disk = FaultyDisk()
    var limits = StoreLimits()
    limits.versionCountLimit = 1
    let fixture = try StoreFixture()
    let store = try fixture.open(limits, disk: disk.hook)
    let live = try store.store(model(1))
    try store.recordLive(live, by: "test")
    #expect(throws: StoreError.self) { try store.store(model(2)) }
    #expect(store.failureCount(of: .limit) == 1)
    for (number, failure) in [(ENOSPC, DiskFailure.full), (EDQUOT, .full), (EROFS, .refused)] {
      let before = store.failureCount(of: failure)
      disk.fail(0..<1, with: number)
      #expect(throws: StoreError.self) { _ = try store.beginUpload() }
      #expect(store.failureCount(of: failure) == before + 1)
    }
    // The reserve is kept although the disk has room.
    let short = try StoreFixture()
    let full = try short.open(space: { _ in 1000 })
    #expect(throws: StoreError.self) { _ = try full.beginUpload(expectedByteCount: 1) }
    #expect(full.failureCount(of: .full) == 1)
  }

  @Test("An inspection reads a folder that somebody uses, and changes nothing")
  func inspection() throws {
    try store.store(model(2))
    try fixture.write("rest of a kill", to: "incoming/1.part")
    let before = try fixture.contents()
    let found = try #require(try StoreInspection(folder: fixture.path))
    #expect(found.isInUse)
    #expect(found.live?.record.version == live && found.live?.path == store.path(of: live))
    #expect(found.loss == nil && found.notices.isEmpty)
    try fixture.write("damage", to: "versions/\(live.hex)")
    let damaged = try #require(try StoreInspection(folder: fixture.path))
    #expect(damaged.live == nil && damaged.loss != nil && !damaged.notices.isEmpty)
    try Data(before["versions/\(live.hex)"] ?? []).write(
      to: URL(filePath: fixture.file("versions/\(live.hex)")))
    #expect(try fixture.contents() == before)
  }

  @Test(
    "A part that is missing hides nothing: an inspection and a start find the same",
    arguments: ["versions", "incoming"])
  func missingPart(_ name: String) throws {
    let state = try StoreFixture()
    do {
      let store = try state.open()
      try store.recordLive(try store.store(model(1)), by: "test")
    }
    try FileManager.default.removeItem(atPath: state.file(name))
    let before = try FileManager.default.contentsOfDirectory(atPath: state.path).sorted()
    let found = try #require(try StoreInspection(folder: state.path))
    #expect(try FileManager.default.contentsOfDirectory(atPath: state.path).sorted() == before)
    let store = try state.open()
    #expect(found.live?.record.version == store.live?.version)
    #expect(found.loss == store.standing.loss && found.notices == store.notices)
    #expect((found.loss == nil) == (name == "incoming"))
  }

  @Test("A folder without a store, or none at all, holds nothing yet")
  func nothing() throws {
    #expect(try StoreInspection(folder: fixture.path + ".none") == nil)
    let empty = fixture.path + ".empty"
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: false)
    #expect(try StoreInspection(folder: empty) == nil)
    #expect(try FileManager.default.contentsOfDirectory(atPath: empty).isEmpty)
  }
}
