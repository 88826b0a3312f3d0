import Checkpoint
import Foundation
import HTTPCore
import Inference
import ModelStore
import Serving
import Telemetry
import Testing

/// A state folder that goes while the server serves.
@Suite struct StateFolderTests {
  private let admin: AdminFixture

  init() async throws {
    admin = try AdminFixture()
    for mark in ["old", "new"] { try await admin.upload(SmallModels.model(mark)) }
  }

  private var state: URL { admin.folder.appendingPathComponent("state") }

  private func metrics() async throws -> String {
    let answer = await answerOf(
      admin.served.service, to: try Request("GET", "/metrics"))
    return String(decoding: answer.body, as: UTF8.self)
  }

  @Test(
    "Changes are refused with the reason, which names no path, and the live model serves on",
    arguments: ["removed", "moved", "replaced"])
  func refused(what: String) async throws {
    let old = try admin.version("old").hex
    let file = try admin.file("third")
    let away = admin.folder.appendingPathComponent("away")
    try FileManager.default.moveItem(at: state, to: away)
    if what == "removed" { try FileManager.default.removeItem(at: away) }
    if what == "replaced" {
      try FileManager.default.createDirectory(at: state, withIntermediateDirectories: false)
    }
    let answers = [
      try await admin.ask("PUT", "/admin/model", body: file),
      try await admin.ask("POST", "/admin/versions/\(old)/activate"),
      try await admin.ask("POST", "/admin/rollback"),
      try await admin.putCanary("old", percent: 5),
      try await admin.ask("POST", "/admin/teach"),
    ]
    for answer in answers {
      #expect(answer.status == 507)
      #expect(try answer.problemKind() == "store-failed")
      let detail = try #require(try answer.json()["detail"] as? String)
      #expect(detail.hasPrefix("the state folder is "), "\(detail)")
      #expect(!detail.contains(admin.folder.path))
    }
    #expect(admin.served.pool.live.model.labels[0] == "new0")
    let model = try await admin.ask("GET", "/admin/model").json()
    #expect(model["recorded"] as? Bool == false)
    #expect((model["record_fault"] as? String)?.hasPrefix("the state folder is ") == true)
    #expect(admin.logged.contains(state.path))
  }

  @Test("The watch writes one line when the folder goes and one when it is back; metrics tell")
  func watched() async throws {
    let clock = AdminClock()
    // No thread of its own looks in this test.
    let watch = StateFolderWatch(admin.store, log: admin.served.context.log, now: clock.now)
    admin.served.context.metrics.watch(stateFolder: { watch.gauge })
    watch.look()
    #expect(!admin.logged.contains("state folder"))
    #expect(try await metrics().contains("\nresnetd_state_folder_usable 1\n"))
    let away = admin.folder.appendingPathComponent("away")
    try FileManager.default.moveItem(at: state, to: away)
    for _ in 0..<3 { watch.look() }
    let lines = admin.logged.split(separator: "\n").filter { $0.contains("state folder cannot") }
    #expect(lines.count == 1 && lines[0].contains(state.path))
    let text = try await metrics()
    #expect(text.contains("\nresnetd_state_folder_usable 0\n"))
    #expect(text.contains("\nresnetd_live_recorded 0\n"))
    #expect(text.contains("\nresnetd_state_folder_failures_total{reason=\"full\"} 0\n"))
    let before = admin.store.failureCount(of: .refused)
    #expect(try await admin.ask("PUT", "/admin/model", body: [1]).status == 507)
    #expect(
      try await metrics().contains(
        "\nresnetd_state_folder_failures_total{reason=\"refused\"} \(before + 1)\n"))
    try FileManager.default.moveItem(at: away, to: state)
    watch.look()
    #expect(admin.logged.contains("the state folder can be used again"))
    #expect(try await metrics().contains("\nresnetd_state_folder_usable 1\n"))
    try await admin.upload(SmallModels.model("third"))
  }
}
