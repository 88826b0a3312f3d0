import Checkpoint
import Files
import Foundation
import Glibc
import ModelStore
import Synchronization

/// A test's own folder, removed after it, and operations on the store in it.
final class StoreFixture: Sendable {
  let path: String
  private let parent: String

  init() throws {
    parent = FileManager.default.temporaryDirectory.path + "/resnetd-store-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: false)
    path = parent + "/store"
  }

  deinit { try? FileManager.default.removeItem(atPath: parent) }

  func open(
    _ limits: StoreLimits = StoreLimits(), clock: FakeClock = FakeClock(),
    disk: @escaping DiskHook = { _ in 0 }, space: @escaping SpaceHook = { $0 }
  ) throws -> ModelStore {
    // The folder stays as long as a store uses it.
    try ModelStore(
      folder: path, limits: limits,
      clock: { [self] in withExtendedLifetime(self) { clock.tick() } }, disk: disk,
      space: space)
  }

  /// Returns a file's path inside the store.
  func file(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(filePath: file(name)))
  }

  func read(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

  func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: file(folder)).sorted()
  }

  /// Returns every file of the store but the lock, with its bytes.
  func contents() throws -> [String: [UInt8]] {
    var contents: [String: [UInt8]] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: path) where name != "lock" {
      let type = try FileManager.default.attributesOfItem(atPath: file(name))[.type]
      guard type as? FileAttributeType == .typeRegular else { continue }
      contents[name] = try read(file(name))
    }
    return contents
  }
}

/// A clock that moves on by a second each time it is read.
final class FakeClock: Sendable {
  private let seconds = Mutex(1_800_000_000)
  func tick() -> WallTime {
    seconds.withLock { seconds in
      seconds += 1
      return WallTime(millisecondsSince1970: seconds * 1000)
    }
  }
}

/// A disk that fails from one step on, once or for good, or at which the process dies.
final class FaultyDisk: Sendable {
  private struct State {
    var count = 0
    var failing: Range<Int> = 0..<0
    var number: CInt = 0
    var killed: Int?
  }
  private let state = Mutex(State())

  /// Number of steps since the last call that set a failure.
  var count: Int { state.withLock(\.count) }

  func fail(_ steps: Range<Int>, with number: CInt) {
    state.withLock { $0 = State(failing: steps, number: number) }
  }

  func kill(before step: Int) { state.withLock { $0 = State(killed: step) } }

  var hook: DiskHook {
    { [self] _ in
      state.withLock { state in
        defer { state.count += 1 }
        if state.count == state.killed { Glibc.kill(getpid(), SIGKILL) }
        return state.failing.contains(state.count) ? state.number : 0
      }
    }
  }
}

/// Returns bytes that differ from those of any other seed; to the store, a model is any bytes.
func model(_ seed: UInt8, byteCount: Int = 5000) -> [UInt8] {
  (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(seed) &* 7) } + [seed]
}

func version(of bytes: [UInt8]) throws -> ModelVersion {
  var digest = try SHA256()
  unsafe digest.update(bytes.span.bytes)
  return ModelVersion(digest: digest.finish())
}

extension ModelStore {
  func stage(_ bytes: [UInt8]) throws -> StagedModel {
    let upload = try beginUpload(expectedByteCount: bytes.count)
    for start in stride(from: 0, to: bytes.count, by: 2000) {
      try upload.append(Array(bytes[start..<min(start + 2000, bytes.count)]))
    }
    return try upload.finish()
  }

  @discardableResult
  func store(_ bytes: [UInt8], name: String = "model") throws -> ModelVersion {
    try keep(try stage(bytes), name: name, by: "test").version
  }
}
