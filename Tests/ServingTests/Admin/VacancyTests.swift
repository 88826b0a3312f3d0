import Checkpoint
import Dispatch
import Engine
import Foundation
import HTTPCore
import HTTPServer
import Inference
import ModelStore
import Serving
import Synchronization
import Telemetry
import Testing

/// A server without a model, and the choice of its first one.
@Suite struct VacancyTests {
  private final class Fixture: Sendable {
    let folder: URL
    let store: ModelStore
    let turns = SwapTurns()
    let service: AdminService
    let vacancy: Vacancy
    let hook = Hook()

    init() throws {
      folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("resnetd-vacancy-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
      store = try ModelStore(folder: folder.appendingPathComponent("state").path)
      let log = Log(format: .json, descriptor: -1)
      service = AdminService(
        token: nil, options: [], accessLog: AccessLog(log, isOn: false), log: log)
      var settings = CPUPlan.Settings()
      settings.workers = 1
      let rules = CompilationRules(
        precision: .fp32, settings: settings, tuning: .off, cores: 1, program: "1")
      let context = ServingContext(
        limits: ServingLimits(), metrics: ServingMetrics(), log: log, availableMemory: { nil })
      vacancy = Vacancy(
        store: store, turns: turns, explanation: "nothing has come yet", log: log,
        onProgress: { _ in },
        prove: { [hook] request, turn throws(SwapFailure) in
          hook.call()
          return try FirstDeployment(request, in: turn, rules: rules, context: context)
        })
      service.open(vacancy)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func file(_ mark: String) throws -> [UInt8] {
      let url = folder.appendingPathComponent("\(mark).safetensors")
      try SmallModels.model(mark).write(to: url.path)
      return Array(try Data(contentsOf: url))
    }

    func stage(_ bytes: [UInt8]) throws -> StagedModel {
      let upload = try store.beginUpload()
      try upload.append(bytes)
      return try upload.finish()
    }

    func ask(
      _ method: String, _ target: String, _ fields: [(String, String)] = [], body: [UInt8] = []
    ) async throws -> Response {
      await answerOf(
        service,
        to: try Request(method, target, [("Host", "localhost")] + fields, body: body))
    }
  }

  /// Holds the next proof at its beginning.
  private final class Hook: Sendable {
    private let isArmed = Atomic(false)
    private let arrived = DispatchSemaphore(value: 0)
    private let opened = DispatchSemaphore(value: 0)

    func arm() { isArmed.store(true, ordering: .releasing) }

    func call() {
      guard isArmed.exchange(false, ordering: .acquiringAndReleasing) else { return }
      arrived.signal()
      opened.wait()
    }

    func waitForProof() { arrived.wait() }
    func open() { opened.signal() }
  }

  private func filled(_ fixture: Fixture) -> FirstDeployment? {
    guard case .filled(let first) = fixture.vacancy.wait() else { return nil }
    return first
  }

  @Test("Nothing is shown as live, and says what is waited for and what to do")
  func nothing() async throws {
    let fixture = try Fixture()
    for (method, target) in [
      ("GET", "/admin/model"), ("GET", "/admin/canary"), ("POST", "/admin/rollback"),
      ("PUT", "/admin/canary"),
    ] {
      let answer = try await fixture.ask(method, target)
      #expect(answer.status == 503, "\(target)")
      #expect(try answer.problemKind() == "no-model")
      let detail = try #require(try answer.json()["detail"] as? String)
      #expect(detail.contains("nothing has come yet") && detail.contains("an upload"))
    }
    for target in ["/admin/versions", "/admin/config", "/admin/swap"] {
      #expect(try await fixture.ask("GET", target).status == 200)
    }
    let matched = try await fixture.ask(
      "PUT", "/admin/model", [("If-Match", "*")], body: fixture.file("one"))
    #expect(matched.status == 412)
    let canary = try await fixture.ask(
      "PUT", "/admin/model?canary=5", body: Array("x".utf8))
    #expect(canary.status == 409, "\(canary)")
    let inherited = try await fixture.ask(
      "PUT", "/admin/model?inherit=true", body: fixture.file("one"))
    #expect(try inherited.problemKind() == "no-live-model")
    let dry = try await fixture.ask(
      "PUT", "/admin/model?dry_run=true", body: fixture.file("one"))
    #expect(dry.status == 200 && fixture.store.versions().isEmpty)
    let unfit = try await fixture.ask("PUT", "/admin/model", body: [1, 2, 3])
    #expect(try unfit.problemKind() == "model-refused")
    #expect(fixture.store.live == nil)
  }

  @Test("An upload becomes the first model, kept and recorded, and nothing else does after it")
  func upload() async throws {
    let fixture = try Fixture()
    // Nothing is live, so the condition holds.
    let answer = try await fixture.ask(
      "PUT", "/admin/model", [("If-None-Match", "*")], body: fixture.file("one"))
    #expect(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
    #expect(try answer.json()["former"] is NSNull)
    let first = try #require(filled(fixture))
    #expect(first.deployment.model.name == "one")
    #expect(fixture.store.live?.version == first.report.version)
    #expect(fixture.store.live?.isChosen == true)
    let late = try await fixture.ask("PUT", "/admin/model", body: fixture.file("two"))
    #expect(try late.problemKind() == "starting")
    #expect(fixture.store.versions().count == 1)
  }

  @Test("An administrator's upload ends the proof of what a store names")
  func overruled() async throws {
    let fixture = try Fixture()
    let staged = try fixture.stage(fixture.file("store"))
    fixture.hook.arm()
    let promotion = Mutex<Promotion?>(nil)
    let thread = WorkerThread {
      let outcome = fixture.vacancy.promote(staged, from: "a store")
      promotion.withLock { $0 = outcome }
    }
    fixture.hook.waitForProof()
    let answer = try await fixture.ask("PUT", "/admin/model", body: fixture.file("rescue"))
    #expect(answer.status == 200)
    fixture.hook.open()
    try #require(thread).join()
    guard case .overruled(let reason) = promotion.withLock(\.self) else {
      Issue.record("\(String(describing: promotion.withLock(\.self)))")
      return
    }
    #expect(reason.contains("ended by loopback"))
    #expect(filled(fixture)?.deployment.model.name == "rescue")
    #expect(fixture.turns.close())
  }

  @Test("What a store names becomes the first model, fetched or kept, and a damaged one does not")
  func store() throws {
    let fixture = try Fixture()
    let staged = try fixture.stage(fixture.file("one"))
    let kept = try fixture.store.keep(
      fixture.stage(fixture.file("two")), name: "two", by: "a test")
    let path = URL(fileURLWithPath: try #require(fixture.store.path(of: kept.version)))
    var bytes = Array(try Data(contentsOf: path))
    bytes[bytes.count - 4] ^= 1
    for damage in [Data(bytes), Data("no model".utf8)] {
      try damage.write(to: path)
      #expect(fixture.vacancy.promote(kept.version, from: "a store") == .damaged)
      #expect(fixture.store.live == nil)
    }
    #expect(fixture.vacancy.promote(staged, from: "a store") == .live)
    #expect(filled(fixture)?.deployment.model.name == "one")
    #expect(fixture.store.live?.by == "store from a store")
    #expect(fixture.vacancy.promote(kept.version, from: "a store") == .busy)
  }

  @Test("A kept version can be activated, and one that nothing uses be removed")
  func activation() async throws {
    let fixture = try Fixture()
    let kept = try ["one", "two"].map {
      try fixture.store.keep(fixture.stage(fixture.file($0)), name: $0, by: "a test").version
    }
    #expect(try await fixture.ask("DELETE", "/admin/versions/\(kept[0].hex)").status == 200)
    #expect(
      try await fixture.ask("POST", "/admin/versions/\(kept[1].short)/activate").status == 200)
    #expect(filled(fixture)?.deployment.model.name == "two")
  }

  @Test("It ends without a model where another is to be begun with, or where the server stops")
  func ends() async throws {
    let given = try Fixture()
    given.vacancy.giveUp()
    guard case .givenUp = given.vacancy.wait() else {
      Issue.record("not given up")
      return
    }
    let stopped = try Fixture()
    stopped.hook.arm()
    let staged = try stopped.stage(stopped.file("one"))
    let thread = WorkerThread { _ = stopped.vacancy.promote(staged, from: "a store") }
    stopped.hook.waitForProof()
    let stopping = WorkerThread { stopped.vacancy.stop() }
    // The proof has been ended before it goes on.
    #expect(eventually { stopped.turns.current == nil })
    stopped.hook.open()
    try #require(stopping).join()
    try #require(thread).join()
    guard case .stopped = stopped.vacancy.wait() else {
      Issue.record("not stopped")
      return
    }
    #expect(stopped.store.live == nil && stopped.turns.close())
  }
}
