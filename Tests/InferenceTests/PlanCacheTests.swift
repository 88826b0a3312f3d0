import Checkpoint
import Engine
import Files
import Foundation
import Inference
import Testing

@Suite struct PlanCacheTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("resnetd-plans-\(UUID().uuidString)")
  private let entry = PlanCache.Entry(threads: 2, maxBatch: 4)

  private func situation(
    cores: Int = 2, precision: Precision = .fp32,
    _ change: (inout CPUPlan.Settings) -> Void = { _ in }
  ) throws -> PlanCache.Situation {
    var settings = CPUPlan.Settings()
    change(&settings)
    return PlanCache.Situation(
      program: "1", model: try Model.embedded(.cifar10).version, precision: precision, cpu: "a CPU",
      cores: cores,
      settings: settings)
  }

  private func files() throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
  }

  @Test("What was kept is found again in the same situation and in no other")
  func roundTrip() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let cache = PlanCache(folder: folder.appendingPathComponent("made/on/need").path)
    let here = try situation()
    #expect(cache.entry(for: here) == nil)
    try cache.keep(entry, for: here)
    try cache.keep(PlanCache.Entry(threads: 1, maxBatch: 8), for: try situation(cores: 4))
    #expect(cache.entry(for: here) == entry)
    #expect(cache.entry(for: try situation(precision: .bf16)) == nil)
    #expect(cache.entry(for: try situation { $0.workers = 1 }) == nil)
    #expect(cache.entry(for: try situation { $0.threads = 2 }) == nil)
    #expect(cache.entry(for: try situation { $0.maxBatch = 4 }) == nil)
    #expect(cache.entry(for: try situation { $0.workers = 2 }) == entry)
    #expect(cache.entry(for: try situation { $0.maxQueueDelay = .seconds(1) }) == entry)
  }

  @Test(
    "A file that does not hold a plan for the situation is as none, and is replaced",
    arguments: [
      "", "{", "[]", #"{"entry":{"max_batch":4,"threads":2}}"#,
      String(repeating: " ", count: 100_000),
    ])
  func corrupt(text: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let cache = PlanCache(folder: folder.path)
    try cache.keep(entry, for: try situation())
    let file = try #require(try files().first)
    try Data(text.utf8).write(to: file)
    #expect(cache.entry(for: try situation()) == nil)
    try cache.keep(entry, for: try situation())
    #expect(cache.entry(for: try situation()) == entry)
    // No other file is left.
    #expect(try files().count == 1)
  }

  @Test("Numbers out of range and other situations under the same name are not believed")
  func hostile() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let cache = PlanCache(folder: folder.path)
    try cache.keep(entry, for: try situation())
    let file = try #require(try files().first)
    let text = try String(contentsOf: file, encoding: .utf8)
    for (from, to) in [
      (#""max_batch":4"#, #""max_batch":65"#), (#""threads":2"#, #""threads":0"#),
      ("a CPU", "another"), (#""max_batch":4"#, #""max_batch":1e99"#),
    ] {
      let changed = text.replacingOccurrences(of: from, with: to)
      #expect(changed != text)
      try Data(changed.utf8).write(to: file)
      #expect(cache.entry(for: try situation()) == nil)
    }
  }

  @Test("A folder that cannot be written is no failure")
  func unwritable() throws {
    let cache = PlanCache(folder: "/proc/no/such/folder")
    let here = try situation()
    #expect(throws: FileError.self) { try cache.keep(entry, for: here) }
    #expect(cache.entry(for: here) == nil)
  }
}
