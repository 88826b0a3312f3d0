import Checkpoint
import HTTPServer
import ModelStore
import Serving
import Telemetry

/// The admin endpoint of one server, and the store behind it.
struct Administration {
  /// Most swaps take less.
  private static let patience = Duration.seconds(1)

  let store: ModelStore?
  private let settings: AdminSettings
  /// Nil where none is asked for.
  let token: AdminToken?
  private let service: AdminService?
  private let server: HTTPServer?

  /// Opens the store and listens; nothing is answered but 503 until `becomeReady`.
  init(_ settings: ServeSettings, accessLog: AccessLog, log: Log) throws(Failure) {
    self.settings = settings.admin
    let configuration = try settings.admin.server(like: settings.server)
    store = try Self.store(settings.admin, log)
    guard let configuration else {
      (token, service, server) = (nil, nil, nil)
      return
    }
    let token = settings.admin.tokenFile.map { AdminToken(path: $0, log: log) }
    self.token = token
    let service = AdminService(
      token: token, isLocal: configuration.socketPath != nil,
      options: ServeSettings.effective(settings), accessLog: accessLog)
    self.service = service
    server = try Listening.server(configuration, service, portOption: "--admin-port")
  }

  private static func store(_ settings: AdminSettings, _ log: Log) throws(Failure) -> ModelStore? {
    guard let folder = settings.stateFolder else { return nil }
    do throws(StoreError) {
      let store = try ModelStore(folder: folder, limits: settings.store)
      for notice in store.notices { log.write("model store: \(notice)") }
      return store
    } catch {
      throw Failure("--state-dir: \(error)")
    }
  }

  func start() { server?.start() }

  /// Whoever changes models does so by what this returns.
  ///
  /// - Parameter first: What the pool began with, unless it came from the store.
  func becomeReady(
    _ pool: WorkerPool, _ deployer: Deployer, first: FirstModel, log: Log
  ) -> ModelAdministration {
    let ready = ModelAdministration(
      pool: pool, deployer: deployer, store: store, first: first, log: log)
    service?.becomeReady(ready)
    return ready
  }

  /// Where it listens, for the log; nil where it does not.
  var address: (key: String, value: String)? {
    guard let server else { return nil }
    if let path = settings.socketPath { return ("socket", path) }
    return ("url", Listening.url(settings.host, server.port))
  }

  /// Lets changes in progress come to their end, but not long: one that is cut off leaves the store as it was or with
  /// the new model live.
  ///
  /// - Returns: How many connections still waited for an answer.
  func stop() -> Int { server?.drain(within: Self.patience) ?? 0 }
}
