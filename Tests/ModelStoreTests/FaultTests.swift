import Checkpoint
import Foundation
import ModelStore
import Synchronization
import Testing

/// Every step on disk fails once, or the process is killed before it.
@Suite struct FaultTests {
  /// Changes during which steps fail; `a` is live and `b` kept when they begin.
  enum Change: String, CaseIterable, Codable {
    case upload, uploadAgain, activate, remove, swap, evict

    func run(on store: ModelStore, _ b: ModelVersion) throws {
      switch self {
      case .upload: try store.store(model(3))
      case .uploadAgain: try store.store(model(2))
      case .activate: try store.recordLive(b, by: "change")
      case .remove: try store.remove(b)
      case .swap: try store.recordLive(try store.store(model(3)), by: "change")
      case .evict: try store.store(model(4, byteCount: 7000))
      }
    }
  }

  /// Limits with room for `a`, `b` and a third model of the same size.
  static var limits: StoreLimits {
    var limits = StoreLimits()
    limits.totalByteLimit = 15_003
    return limits
  }

  private struct Prepared {
    let store: ModelStore
    let a: ModelVersion
    let b: ModelVersion
  }

  private func prepare(_ fixture: StoreFixture, _ disk: FaultyDisk) throws -> Prepared {
    let store = try fixture.open(Self.limits, disk: disk.hook)
    let (a, b) = (try store.store(model(1)), try store.store(model(2)))
    try store.recordLive(a, by: "start")
    return Prepared(store: store, a: a, b: b)
  }

  private func stepCount(of change: Change) throws -> Int {
    let disk = FaultyDisk()
    let prepared = try prepare(try StoreFixture(), disk)
    disk.fail(0..<0, with: 0)
    try change.run(on: prepared.store, prepared.b)
    return disk.count
  }

  /// Opens the folder again: the live model must be whole, and nothing half-written left.
  private func inspect(_ fixture: StoreFixture, _ expected: Set<String>) throws {
    let store = try fixture.open(Self.limits)
    // The records of models that were about to come or go may be left.
    #expect(store.notices.allSatisfy { $0.contains("is not there, only its record") })
    let live = try #require(store.live)
    #expect(expected.contains(live.version.hex))
    for version in store.versions() { try store.verify(version.version) }
    let digits = store.versions().map(\.version.hex)
    #expect(try fixture.names(in: "versions") == (digits + digits.map { $0 + ".json" }).sorted())
    #expect(try fixture.names(in: "incoming").isEmpty)
    if let previous = live.previous { #expect(store.path(of: previous) != nil) }
    // The store goes on working.
    try store.recordLive(try store.store(model(9)), by: "after")
    #expect(store.live?.previous == live.version)
  }

  @Test(arguments: Change.allCases)
  func `a full disk refuses the change, and all that was kept is untouched`(_ change: Change)
    throws
  {
    for step in 0..<(try stepCount(of: change)) {
      let fixture = try StoreFixture()
      let disk = FaultyDisk()
      let prepared = try prepare(fixture, disk)
      let (live, versions) = (prepared.store.live, prepared.store.versions())
      let contents = try fixture.contents().filter { $0.key != "live.before.json" }
      disk.fail(step..<step + 1, with: ENOSPC)
      do {
        try change.run(on: prepared.store, prepared.b)
        // The disk may refuse to release an evicted model, or to note in a version's record that it
        // is live: the change is made all the same.
        #expect(change == .evict || prepared.store.live != live)
        continue
      } catch StoreError.full(let path, _, let available) {
        #expect(path.hasPrefix(fixture.path) && available > 0)
      }
      #expect(prepared.store.live == live)
      if change == .remove { continue }
      let isKept = change == .swap && prepared.store.versions().count == 3
      if !isKept {
        #expect(prepared.store.versions() == versions)
        let after = try fixture.contents().filter { $0.key != "live.before.json" }
        #expect(after == contents, "\(change), step \(step)")
      }
      #expect(try fixture.names(in: "incoming").isEmpty)
      try change.run(on: prepared.store, prepared.b)
    }
  }

  @Test func `bytes are on disk before they get a name, and names before the call returns`() throws
  {
    let steps = Mutex<[DiskStep]>([])
    let fixture = try StoreFixture()
    let store = try fixture.open { step in
      steps.withLock { $0.append(step) }
      return 0
    }
    func taken() -> [DiskStep] {
      steps.withLock { steps in
        defer { steps = [] }
        return steps
      }
    }
    _ = taken()
    let first = try store.store(model(1, byteCount: 1000))
    let aside: [DiskStep] = [.create, .write, .sync]
    #expect(taken() == aside + aside + [.rename, .rename, .sync])
    try store.recordLive(first, by: "test")
    let note = aside + [.rename, .sync]
    #expect(taken() == aside + [.rename, .sync] + note)
    let second = try store.store(model(2, byteCount: 1000))
    _ = taken()
    try store.recordLive(second, by: "test")
    #expect(taken() == aside + [.rename] + aside + [.rename, .sync] + note)
    let third = try store.store(model(3, byteCount: 1000))
    _ = taken()
    try store.remove(third)
    #expect(taken() == [.remove, .remove, .sync])
  }

  @Test(arguments: Change.allCases)
  func `a process that gets no further than a step leaves old or new live`(_ change: Change)
    throws
  {
    for step in 0..<(try stepCount(of: change)) {
      let fixture = try StoreFixture()
      let disk = FaultyDisk()
      var prepared: Prepared? = try prepare(fixture, disk)
      let expected = try Set([model(1), model(2), model(3)].map { try version(of: $0).hex })
      // From now on, the disk acts as if the process were gone: nothing is even cleaned up.
      disk.fail(step..<Int.max, with: EIO)
      if let prepared { try? change.run(on: prepared.store, prepared.b) }
      prepared = nil
      try inspect(fixture, expected)
    }
  }

  @Test func `kill -9 before any step of an upload and a swap leaves old or new live`() async throws
  {
    let count = try stepCount(of: .swap)
    #expect(count >= 20)
    for step in 0..<count {
      let fixture = try StoreFixture()
      let a = try prepare(fixture, FaultyDisk()).a
      let path = fixture.path
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [path = path as String, step = step as Int] in
        let disk = FaultyDisk()
        let store = try ModelStore(folder: path, limits: FaultTests.limits, disk: disk.hook)
        disk.kill(before: step)
        try store.recordLive(try store.store(model(3)), by: "child")
      }
      try inspect(fixture, [a.hex, try version(of: model(3)).hex])
    }
  }

  @Test func `kill -9 before any step of opening a folder leaves one that opens`() async throws {
    let disk = FaultyDisk()
    _ = try StoreFixture().open(disk: disk.hook)
    for step in 0..<disk.count {
      let fixture = try StoreFixture()
      let path = fixture.path
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [path = path as String, step = step as Int] in
        let disk = FaultyDisk()
        disk.kill(before: step)
        _ = try ModelStore(folder: path, disk: disk.hook)
      }
      let store = try fixture.open()
      #expect(store.live == nil && store.versions().isEmpty && store.notices == [])
      try store.recordLive(try store.store(model(1)), by: "after")
    }
  }
}
