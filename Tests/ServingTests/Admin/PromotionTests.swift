import Checkpoint
import Engine
import Foundation
import HTTPCore
import Inference
import ModelStore
import Serving
import Synchronization
import Telemetry
import Testing

/// Models of a remote store, which become live as uploads do.
@Suite struct PromotionTests {
  private static let source = "http://host/models"

  private func stage(_ bytes: [UInt8], in admin: AdminFixture) throws -> StagedModel {
    let upload = try admin.store.beginUpload()
    try upload.append(bytes)
    return try upload.finish()
  }

  private func liveLabel(_ admin: AdminFixture) -> String {
    admin.served.pool.live.model.labels[0]
  }

  @Test("It is kept, recorded, audited, and a rollback brings back what was before")
  func live() async throws {
    let admin = try AdminFixture()
    let staged = try stage(admin.file("next"), in: admin)
    #expect(admin.changes.promote(staged, from: Self.source) == .live)
    #expect(liveLabel(admin) == "next0")
    let record = try #require(admin.store.live)
    #expect(record.version == staged.version && record.by == "store from \(Self.source)")
    #expect(record.by == ModelAdministration.name(ofStore: Self.source))
    let audit = try #require(admin.logged.split(separator: "\n").last { $0.contains("audit") })
    for part in [
      #""action":"follow","by":"store","remote":"\#(Self.source)""#,
      #""digest":"\#(staged.version.hex)","outcome":"live""#,
    ] { #expect(audit.contains(part)) }
    #expect(try admin.incoming.isEmpty)
    #expect(try await admin.ask("POST", "/admin/rollback").status == 200)
    #expect(liveLabel(admin) == "start0")
    #expect(admin.changes.promote(staged.version, from: Self.source) == .live)
    #expect(liveLabel(admin) == "next0")
  }

  @Test("What is no model is refused, and stays the caller's")
  func refused() throws {
    let admin = try AdminFixture()
    let staged = try stage(Array(admin.file("next").dropLast()), in: admin)
    guard case .refused(let reason) = admin.changes.promote(staged, from: Self.source) else {
      Issue.record("not refused")
      return
    }
    #expect(reason.hasPrefix("validate: "))
    #expect(try admin.incoming.count == 1)
    admin.store.discard(staged)
    #expect(try admin.incoming.isEmpty)
    #expect(liveLabel(admin) == "start0" && admin.store.live == nil)
  }

  @Test("What finds no memory may be tried again as it is")
  func memory() throws {
    let available = Mutex<Int?>(0)
    let admin = try AdminFixture { available.withLock { $0 } }
    let staged = try stage(admin.file("next"), in: admin)
    guard case .insufficientMemory = admin.changes.promote(staged, from: Self.source) else {
      Issue.record("there is none")
      return
    }
    available.withLock { $0 = nil }
    #expect(admin.changes.promote(staged, from: Self.source) == .live)
  }

  @Test("A kept version whose bytes have suffered is damaged, readable or not")
  func damaged() async throws {
    let admin = try AdminFixture()
    for mark in ["one", "two"] {
      #expect(try await admin.ask("PUT", "/admin/model", body: admin.file(mark)).status == 200)
    }
    let one = try #require(admin.store.versions().first { $0.name == "one" }?.version)
    let path = URL(fileURLWithPath: try #require(admin.store.path(of: one)))
    var bytes = Array(try Data(contentsOf: path))
    bytes[bytes.count - 4] ^= 1
    for text in [bytes, Array("no model".utf8)] {
      try Data(text).write(to: path)
      #expect(admin.changes.promote(one, from: Self.source) == .damaged)
      #expect(liveLabel(admin) == "two0")
    }
    #expect(
      admin.changes.promote(try stage(admin.file("one"), in: admin), from: Self.source) == .live)
    try admin.store.verify(one)
  }

  @Test("The address of a store may be longer than a record's text")
  func longSource() throws {
    let admin = try AdminFixture()
    let source = "http://host/" + String(repeating: "ä", count: 1000)
    #expect(admin.changes.promote(try stage(admin.file("next"), in: admin), from: source) == .live)
    #expect(admin.store.live?.by.hasPrefix("store from http://host/ä") == true)
  }

  // MARK: The model that a server begins with

  private func first(
    _ path: String, tuning: Tuning = .off, available: Int? = nil
  ) throws(SwapFailure) -> FirstDeployment {
    var settings = CPUPlan.Settings()
    settings.workers = 1
    let turns = SwapTurns()
    let turn = try turns.take("a test", by: "store")
    defer { turns.end(turn) }
    return try FirstDeployment(
      SwapRequest(path: path, by: "store"), in: turn,
      rules: CompilationRules(
        precision: .fp32, settings: settings, tuning: tuning, cores: 2, program: "1"),
      context: ServingContext(
        limits: ServingLimits(), metrics: ServingMetrics(),
        log: Log(format: .json, descriptor: -1), availableMemory: { available }))
  }

  @Test("A first model goes through the checks, and its plan may be measured")
  func firstModel() throws {
    let admin = try AdminFixture()
    _ = try admin.file("next")
    let path = admin.folder.appendingPathComponent("next.safetensors").path
    let ruled = try first(path)
    #expect(ruled.deployment.model.labels[0] == "next0" && ruled.deployment.by == "store")
    #expect(ruled.planned.origin == .rule)
    // It is unknown here whether the machine is quiet enough to measure.
    let measured = try first(path, tuning: .always).planned.origin
    #expect([.measured, .tooBusy, .outOfTime].contains(measured))
    let unfit = #expect(throws: SwapFailure.self) { try first(path, available: 1) }
    #expect(unfit?.kind == .insufficientMemory && unfit?.step == .memory)
    #expect(unfit?.reason.contains("beside") == false)
    try Data("no model".utf8).write(to: URL(fileURLWithPath: path))
    #expect(throws: SwapFailure.self) { try first(path) }
    let missing = #expect(throws: SwapFailure.self) { try first(path + "x") }
    #expect(missing?.kind == .refused && missing?.step == .read)
  }
}
