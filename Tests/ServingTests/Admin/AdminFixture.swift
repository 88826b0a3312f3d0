import Checkpoint
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

/// The admin endpoint around a small model, with a store and a log of its own, used without
/// sockets.
final class AdminFixture: Sendable {
  let folder: URL
  let service: AdminService
  let changes: ModelAdministration
  let served: TestService
  let store: ModelStore
  let turns = SwapTurns()
  private let log: Log
  private let logDescriptor: CInt

  /// Log, read by its descriptor, because Foundation leaks whatever it reads files with.
  var logged: String {
    log.flush()
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(logDescriptor, $0.baseAddress, $0.count, 0)
    }
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  /// - Parameters:
  ///   - availableMemory: Called while a candidate is checked.
  ///   - disk: Disk of the store, on which tests cause failures.
  ///   - now: Clock that refusals are counted by.
  ///   - start: Makes the file of the first model, at the path that it gets.
  init(
    token: String? = nil, limits: StoreLimits = StoreLimits(),
    provingTimeout: Duration = ServingLimits().provingTimeout,
    availableMemory: @escaping @Sendable () -> Int? = { nil },
    disk: @escaping DiskHook = { _ in 0 },
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    start: (String) throws -> Void = { try SmallModels.model("start").write(to: $0) }
  ) throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-admin-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    let path = folder.appendingPathComponent("log").path
    logDescriptor = unsafe open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    log = Log(format: .json, descriptor: logDescriptor)
    service = AdminService(
      token: token.map { [log] in AdminToken(path: $0, log: log) }, options: [],
      accessLog: AccessLog(log, isOn: false), log: log, now: now)
    let file = folder.appendingPathComponent("start.safetensors").path
    try start(file)
    var options = ModelOptions()
    options.readsExternalData = true
    let model = try Model.load(path: file, options: options)
    let plan = CPUPlan(workers: 1, threads: 1, maxBatch: 2)
    var serving = ServingLimits()
    serving.provingTimeout = provingTimeout
    served = try TestService(
      limits: serving, first: CompiledModel(model, plan: plan), log: log,
      availableMemory: availableMemory)
    store = try ModelStore(
      folder: folder.appendingPathComponent("state").path, limits: limits,
      disk: disk)
    var settings = CPUPlan.Settings()
    settings.workers = 1
    let deployer = Deployer(
      served.pool,
      rules: CompilationRules(
        precision: .fp32, settings: settings, tuning: .off, cores: 2, program: "1"),
      turns: turns)
    changes = ModelAdministration(
      pool: served.pool, deployer: deployer, store: store,
      first: FirstModel(path: file, options: options), log: log,
      recordInterval: .milliseconds(5))
    service.becomeReady(changes)
  }

  deinit {
    // Its thread may still be writing there.
    log.flush()
    close(logDescriptor)
    try? FileManager.default.removeItem(at: folder)
  }

  var startFile: URL { folder.appendingPathComponent("start.safetensors") }

  /// Returns the bytes of a model file whose labels tell it apart.
  func file(_ mark: String) throws -> [UInt8] { try file(SmallModels.model(mark)) }

  func file(_ model: Model) throws -> [UInt8] {
    let url = folder.appendingPathComponent("\(model.name).safetensors")
    try model.write(to: url.path)
    return Array(try Data(contentsOf: url))
  }

  /// Uploads a model, which is live afterwards.
  func upload(_ model: Model) async throws {
    let answer = try await ask("PUT", "/admin/model", body: file(model))
    #expect(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
  }

  /// Puts a model into the store without making it live.
  func keep(_ model: Model) throws {
    let upload = try store.beginUpload()
    try upload.append(try file(model))
    _ = try store.keep(upload.finish(), name: model.name, by: "a test")
  }

  func version(_ name: String) throws -> ModelVersion {
    try #require(store.versions().first { $0.name == name }?.version)
  }

  /// Makes a kept version the canary; `members` are more of the body's JSON.
  func putCanary(
    _ name: String, percent: Double, _ members: String = ""
  ) async throws -> Response {
    let body = #"{"version":"\#(try version(name).hex)","percent":\#(percent)\#(members)}"#
    return try await ask("PUT", "/admin/canary", body: Array(body.utf8))
  }

  /// Returns the names of the models that answer so many requests.
  func answers(_ count: Int) throws -> [String] {
    let image = try goldenImage().encodedImage
    return try (0..<count).map { _ in
      let response = try served.wait(for: "/classify", body: image)
      #expect(response.status == 200)
      let model = try #require(try response.json()["model"] as? [String: Any])
      return try #require(model["name"] as? String)
    }
  }

  func ask(
    _ method: String, _ target: String, _ fields: [(String, String)] = [("Host", "localhost")],
    body: [UInt8] = []
  ) async throws -> Response {
    await answerOf(service, to: try Request(method, target, fields, body: body))
  }

  /// Names of uploads that are still there.
  var incoming: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(
        atPath: folder.appendingPathComponent("state/incoming").path)
    }
  }
}

/// The answer to a request that another thread handles.
final class PendingAnswer: Sendable {
  let exchange = Exchange(receivedAt: .now)
  private let response = Mutex<Response?>(nil)

  /// Hands the request over as a connection does.
  init(
    _ handler: some RequestHandler, _ method: String, _ target: String, body: [UInt8]
  ) throws {
    handler.handle(try Request(method, target, [("Host", "localhost")], body: body), exchange)
    let early = exchange.handlerReturned { [weak self] answer in
      self?.response.withLock { $0 = answer }
    }
    if let early { self.response.withLock { $0 = early } }
  }

  /// The answer, for which it waits.
  var value: Response {
    get throws {
      let isThere = eventually { response.withLock { $0 != nil } }
      #expect(isThere)
      let answer = response.withLock(\.self)
      return try #require(answer)
    }
  }
}
