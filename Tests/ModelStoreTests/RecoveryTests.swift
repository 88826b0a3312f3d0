import Checkpoint
import Dispatch
import Foundation
import ModelStore
import Synchronization
import Testing

/// Damage on disk between two starts.
@Suite struct RecoveryTests {
  private struct Prepared {
    let fixture: StoreFixture
    /// The former live model, then the last one.
    let old: ModelVersion
    let new: ModelVersion
  }

  private func prepare() throws -> Prepared {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let (old, new) = (try store.store(model(1)), try store.store(model(2)))
    try store.recordLive(old, by: "one")
    try store.recordLive(new, by: "two")
    return Prepared(fixture: fixture, old: old, new: new)
  }

  @Test func `a live model whose bytes changed gives way to the previous one`() throws {
    let prepared = try prepare()
    let path = prepared.fixture.file("versions/\(prepared.new.hex)")
    var bytes = model(2)
    bytes[1000] ^= 1
    try Data(bytes).write(to: URL(filePath: path))
    let store = try prepared.fixture.open()
    #expect(store.live?.version == prepared.old && store.live?.previous == nil)
    #expect(store.notices.count == 3 && store.notices[0].contains("\(path) is damaged"))
    #expect(store.notices[1].contains("version \(prepared.new.short) is not kept any more"))
    #expect(store.notices[2].contains("version \(prepared.old.short) is taken for live"))
    #expect(store.standing.recovery?.contains("live.json names it as the one before") == true)
    #expect(store.versions().map(\.version) == [prepared.old])
  }

  @Test func `a live model that is gone gives way to the previous one, and so at the next start`()
    throws
  {
    let prepared = try prepare()
    try FileManager.default.removeItem(
      atPath: prepared.fixture.file("versions/\(prepared.new.hex)"))
    for noticeCount in [3, 2] {
      let store = try prepared.fixture.open()
      #expect(store.live?.version == prepared.old)
      #expect(store.notices.count == noticeCount && store.notices[0].contains(prepared.new.hex))
      #expect(store.standing.loss == nil)
    }
    var store: ModelStore? = try prepared.fixture.open()
    let third = try #require(store).store(model(3))
    try store?.recordLive(third, by: "three")
    store = nil
    store = try prepared.fixture.open()
    #expect(store?.live?.version == third && store?.live?.previous == prepared.old)
    #expect(store?.notices == [])
  }

  @Test(arguments: [
    "", "{", "{}", "[]", "null", #"{"format_version":1}"#,
    #"{"format_version":1,"version":"../../../etc/passwd","previous":null,"since_ms":0,"by":""}"#,
    #"{"format_version":1,"version":"x","since_ms":1e400,"by":""}"#,
    String(repeating: "[", count: 10_000), String(repeating: " ", count: 20_000),
  ])
  func `a torn record of what is live gives way to what the versions' own records say`(
    _ text: String
  ) throws {
    let prepared = try prepare()
    for isLastToo in [false, true] {
      try prepared.fixture.write(text, to: "live.json")
      if isLastToo { try prepared.fixture.write(text, to: "live.before.json") }
      let store = try prepared.fixture.open()
      #expect(store.live?.version == prepared.new && store.live?.previous == prepared.old)
      #expect(store.live?.by == "recovery")
      #expect(store.notices.count == (isLastToo ? 3 : 2))
      #expect(store.notices[0].contains("live.json"))
      #expect(store.standing.recovery?.contains("its own record says so") == true)
      #expect(store.standing.loss == nil && store.versions().count == 2)
      for version in store.versions() { try store.verify(version.version) }
    }
    // The next record is found again without a notice.
    try prepared.fixture.open().recordLive(prepared.old, by: "after")
    let store = try prepared.fixture.open()
    #expect(store.live?.version == prepared.old && store.live?.previous == prepared.new)
    #expect(store.notices == [] && store.standing == LiveStanding())
  }

  @Test func `a live model is found whose record is gone, and by the records alone`() throws {
    let prepared = try prepare()
    let files = FileManager.default
    for name in ["live.json", "live.before.json"] {
      try files.removeItem(atPath: prepared.fixture.file(name))
      let store = try prepared.fixture.open()
      #expect(store.live?.version == prepared.new && store.live?.previous == prepared.old)
      #expect(store.standing.recovery?.contains("live.json is missing") == true)
    }
    // The later of two that were live is taken, and after it the other.
    try prepared.fixture.write("damage", to: "versions/\(prepared.new.hex)")
    let store = try prepared.fixture.open()
    #expect(store.live?.version == prepared.old && store.live?.previous == nil)
    #expect(store.standing.recovery?.contains("its own record says so") == true)
  }

  @Test func `a member that is there twice makes a record a damaged one`() throws {
    let prepared = try prepare()
    let text = String(
      decoding: try prepared.fixture.read(prepared.fixture.file("live.json")), as: UTF8.self)
    try prepared.fixture.write(
      text.replacing("{", with: #"{"version":"\#(prepared.old.hex)","#), to: "live.json")
    let store = try prepared.fixture.open()
    #expect(store.live?.version == prepared.new)
    #expect(store.notices.first?.contains("duplicate object key") == true)
  }

  /// Leaves a version's record as a program that notes nothing there does.
  private func strip(_ version: ModelVersion, _ fixture: StoreFixture) throws {
    let name = "versions/\(version.hex).json"
    let text = String(decoding: try fixture.read(fixture.file(name)), as: UTF8.self)
    #expect(text.contains("last_live_ms"))
    try fixture.write(
      text.replacing(try Regex(#""last_live_ms":\d+,"#), with: ""), to: name)
  }

  @Test(arguments: ["gone", "", "garbage"])
  func `where nothing tells what was live, none is and the store says why`(_ text: String) throws {
    let prepared = try prepare()
    for version in [prepared.old, prepared.new] { try strip(version, prepared.fixture) }
    for name in ["live.json", "live.before.json"] {
      if text == "gone" {
        try FileManager.default.removeItem(atPath: prepared.fixture.file(name))
      } else {
        try prepared.fixture.write(text, to: name)
      }
    }
    var store: ModelStore? = try prepared.fixture.open()
    #expect(store?.live == nil && store?.versions().count == 2)
    let loss = try #require(store?.standing.loss)
    #expect(loss.contains("nothing tells which of the 2 versions kept was live"))
    #expect(store?.notices == [loss])
    try store?.recordLive(prepared.old, by: "an administrator")
    #expect(store?.standing == LiveStanding())
    store = nil
    store = try prepared.fixture.open()
    #expect(store?.live?.version == prepared.old && store?.standing == LiveStanding())
  }

  @Test func `what an earlier program recorded is noted in the version's record at once`() throws {
    let prepared = try prepare()
    for version in [prepared.old, prepared.new] { try strip(version, prepared.fixture) }
    _ = try prepared.fixture.open()
    for name in ["live.json", "live.before.json"] {
      try prepared.fixture.write("", to: name)
    }
    #expect(try prepared.fixture.open().live?.version == prepared.new)
  }

  @Test func `what options name at start may be told from what somebody chose`() throws {
    let fixture = try StoreFixture()
    var store: ModelStore? = try fixture.open()
    let first = try #require(store).store(model(1))
    try store?.recordLive(first, by: "the start", isChosen: false)
    store = nil
    store = try fixture.open()
    #expect(store?.live?.isChosen == false)
    try store?.recordLive(first, by: "the start", isChosen: false)
    let since = store?.live?.since
    try store?.recordLive(first, by: "somebody")
    #expect(store?.live?.isChosen == true && store?.live?.since == since)
    store = nil
    store = try fixture.open()
    #expect(store?.live?.isChosen == true && store?.live?.by == "somebody")
  }

  /// Keeps two versions, records the second, and has the first be taken for live while the disk
  /// takes nothing; returns them with the disk's failure.
  private func assume(
    in store: ModelStore, _ disk: FaultyDisk
  ) throws -> (first: ModelVersion, second: ModelVersion, fault: StoreError) {
    let (first, second) = (try store.store(model(1)), try store.store(model(2)))
    for version in [first, second] { try store.recordLive(version, by: "test") }
    disk.fail(0..<Int.max, with: ENOSPC)
    let fault = try #require(throws: StoreError.self) { try store.recordLive(first, by: "test") }
    try store.assumeLive(first, by: "test", because: fault)
    return (first, second, fault)
  }

  @Test func `what cannot be recorded may be live until a restart, and is recorded when it can`()
    throws
  {
    let fixture = try StoreFixture()
    let disk = FaultyDisk()
    var store: ModelStore? = try fixture.open(disk: disk.hook)
    let (a, b, fault) = try assume(in: #require(store), disk)
    #expect(store?.live?.version == a && store?.live?.previous == b)
    #expect(store?.standing.recordFault == fault.description)
    #expect(throws: StoreError.self) { try store?.recordLive(a, by: "test") }
    #expect(throws: StoreError.self) { try store?.recordAssumed() }
    disk.fail(0..<0, with: 0)
    #expect(try store?.recordAssumed() == a)
    #expect(try store?.recordAssumed() == nil, "nothing is left to record")
    #expect(store?.standing == LiveStanding() && store?.live?.previous == b)
    store = nil
    store = try fixture.open()
    #expect(store?.live?.version == a && store?.live?.previous == b)
  }

  @Test(
    "A late record that the disk fails at any step leaves a record of what was live",
    arguments: 0..<12)
  func lateRecord(failing step: Int) throws {
    let fixture = try StoreFixture()
    let disk = FaultyDisk()
    var store: ModelStore? = try fixture.open(disk: disk.hook)
    let (a, _, _) = try assume(in: #require(store), disk)
    disk.fail(step..<step + 1, with: EIO)
    let isRecorded = (try? store?.recordAssumed()) != nil
    #expect((store?.standing.recordFault == nil) == isRecorded)
    store = nil
    store = try fixture.open()
    #expect(store?.standing == LiveStanding(), "\(store?.notices ?? [])")
    #expect(isRecorded ? store?.live?.version == a : store?.live != nil)
  }

  /// Holds one step on the disk, once it is armed, until it is let go on.
  private final class Gate: Sendable {
    let begun = DispatchSemaphore(value: 0)
    let mayGoOn = DispatchSemaphore(value: 0)
    private let isArmed = Atomic(false)

    func arm() { isArmed.store(true, ordering: .releasing) }

    func pass() {
      guard isArmed.exchange(false, ordering: .acquiringAndReleasing) else { return }
      begun.signal()
      mayGoOn.wait()
    }
  }

  @Test("A late record that is being written does not stand for what is taken for live meanwhile")
  func overtakenRecord() throws {
    let (disk, gate) = (FaultyDisk(), Gate())
    let store = try StoreFixture().open(disk: { [hook = disk.hook] step in
      gate.pass()
      return hook(step)
    })
    let (_, second, fault) = try assume(in: store, disk)
    disk.fail(0..<0, with: 0)
    gate.arm()
    let group = DispatchGroup()
    DispatchQueue.global().async(group: group) { _ = try? store.recordAssumed() }
    gate.begun.wait()
    DispatchQueue.global().async(group: group) {
      gate.mayGoOn.signal()
      try? store.assumeLive(second, by: "test", because: fault)
    }
    group.wait()
    #expect(store.live?.version == second)
    #expect(store.standing.recordFault != nil)
    #expect(try store.recordAssumed() == second)
  }

  @Test func `a record of a later format is not taken for one of this`() throws {
    let prepared = try prepare()
    let path = prepared.fixture.file("live.json")
    let text = String(decoding: try prepared.fixture.read(path), as: UTF8.self)
    try prepared.fixture.write(
      text.replacing(#""format_version":1"#, with: #""format_version":2"#), to: "live.json")
    let store = try prepared.fixture.open()
    #expect(store.live?.version == prepared.new)
    #expect(store.notices.first?.contains("format 2") == true)
  }

  @Test func `where no model that was live is left, none is live and the reasons are told`() throws
  {
    let prepared = try prepare()
    for version in [prepared.old, prepared.new] {
      try prepared.fixture.write("damage", to: "versions/\(version.hex)")
    }
    let store = try prepared.fixture.open()
    #expect(store.live == nil && store.versions().isEmpty)
    let loss = try #require(store.standing.loss)
    #expect(store.notices.last == loss)
    #expect(loss.hasPrefix("no model that was live is left: the last was version "))
    #expect(loss.contains("\(prepared.new.short) (live.json names it)"), "\(loss)")
    #expect(try prepared.fixture.names(in: "versions").isEmpty)
  }

  @Test func `a model from before the previous one serves where both are damaged`() throws {
    let fixture = try StoreFixture()
    var store: ModelStore? = try fixture.open()
    let versions = try (1...3).map { try #require(store).store(model($0)) }
    for version in versions { try store?.recordLive(version, by: "test") }
    store = nil
    for version in versions[1...] { try fixture.write("damage", to: "versions/\(version.hex)") }
    store = try fixture.open()
    #expect(store?.live?.version == versions[0])
    #expect(store?.versions().map(\.version) == [versions[0]])
  }

  @Test(arguments: ["", "{\"format_version\":1", "gone"])
  func `a whole model whose record is damaged is kept under its digits`(_ text: String) throws {
    let prepared = try prepare()
    let record = prepared.fixture.file("versions/\(prepared.old.hex).json")
    if text == "gone" {
      try FileManager.default.removeItem(atPath: record)
    } else {
      try Data(text.utf8).write(to: URL(filePath: record))
    }
    var store: ModelStore? = try prepared.fixture.open()
    let restored = try store?.version(matching: prepared.old.hex)
    #expect(restored?.name == prepared.old.short && restored?.byteCount == model(1).count)
    #expect(restored?.state == .previous)
    #expect(store?.notices.count == 1)
    store = nil
    store = try prepared.fixture.open()
    #expect(try store?.version(matching: prepared.old.hex) == restored)
    #expect(store?.notices == [])
  }

  @Test(arguments: ["cut", "gone"])
  func `a kept version whose file is damaged or gone does not vanish without a word`(
    _ damage: String
  ) throws {
    let prepared = try prepare()
    var store: ModelStore? = try prepared.fixture.open()
    let third = try #require(store).store(model(3))
    store = nil
    let path = prepared.fixture.file("versions/\(third.hex)")
    if damage == "cut" {
      try Data(model(3).prefix(1000)).write(to: URL(filePath: path))
    } else {
      try FileManager.default.removeItem(atPath: path)
    }
    store = try prepared.fixture.open()
    #expect(store?.versions().count == 2 && store?.live?.version == prepared.new)
    let notices = try #require(store?.notices)
    #expect(notices.count == (damage == "cut" ? 3 : 1), "\(notices)")
    #expect(notices.first?.contains(path) == true, "\(notices)")
    #expect(notices.last?.contains("is removed") == true, "\(notices)")
    store = nil
    #expect(try prepared.fixture.open().notices == [], "told once, for nothing is left of it")
  }

  @Test func `what an earlier process left among what comes in is cleared`() throws {
    let prepared = try prepare()
    try prepared.fixture.write("half a model", to: "incoming/1234.part")
    try prepared.fixture.write(
      "{}", to: "versions/\(String(repeating: "a", count: 64)).json")
    let store = try prepared.fixture.open()
    #expect(store.live?.version == prepared.new)
    #expect(try prepared.fixture.names(in: "incoming").isEmpty)
    #expect(try prepared.fixture.names(in: "versions").count == 4)
  }

  @Test func `symbolic links, pipes and strange files are not followed, read or removed`() throws {
    let prepared = try prepare()
    let files = FileManager.default
    let outside = prepared.fixture.path + "/../outside"
    try Data(model(7)).write(to: URL(filePath: outside))
    let link = "versions/" + String(repeating: "b", count: 64)
    try files.createSymbolicLink(
      atPath: prepared.fixture.file(link), withDestinationPath: outside)
    try files.createSymbolicLink(
      atPath: prepared.fixture.file("incoming/link.part"), withDestinationPath: outside)
    let pipe = prepared.fixture.file("versions/" + String(repeating: "c", count: 64))
    let isMade = unsafe mkfifo(pipe, 0o600) == 0
    #expect(isMade)
    try prepared.fixture.write("notes", to: "versions/README")
    let store = try prepared.fixture.open()
    #expect(store.versions().count == 2)
    #expect(store.notices.count == 3)
    #expect(try prepared.fixture.read(outside) == model(7))
    #expect(try prepared.fixture.names(in: "incoming").isEmpty)
    #expect(try prepared.fixture.names(in: "versions").contains("README"))
  }

  @Test func `a record that is a link out of the folder is not read`() throws {
    let prepared = try prepare()
    let live = prepared.fixture.file("live.json")
    let outside = prepared.fixture.path + "/../live.json"
    try FileManager.default.moveItem(atPath: live, toPath: outside)
    try FileManager.default.createSymbolicLink(atPath: live, withDestinationPath: outside)
    let store = try prepared.fixture.open()
    #expect(store.live?.version == prepared.new)
    #expect(store.notices.first?.contains(live) == true)
  }

  @Test(arguments: ["versions", "incoming", "lock"])
  func `a link in the place of a part of the store is refused`(_ name: String) throws {
    let prepared = try prepare()
    let elsewhere = prepared.fixture.path + "/../elsewhere"
    try FileManager.default.moveItem(atPath: prepared.fixture.file(name), toPath: elsewhere)
    try FileManager.default.createSymbolicLink(
      atPath: prepared.fixture.file(name), withDestinationPath: elsewhere)
    #expect(throws: StoreError.self) { try prepared.fixture.open() }
  }

  @Test func `a folder whose parent is missing, and a file, are refused by name`() throws {
    let fixture = try StoreFixture()
    for path in [fixture.path + "/a/b", "/dev/null"] {
      let error = #expect(throws: StoreError.self) { try ModelStore(folder: path) }
      #expect(error.map { "\($0)".contains(path) } == true)
    }
  }
}
