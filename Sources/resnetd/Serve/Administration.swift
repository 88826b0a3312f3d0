import Checkpoint
import HTTPServer
import ModelStore
import Serving
import Telemetry

/// The admin endpoint of one server, and its store.
struct Administration {
  /// Time for changes in progress; most take less.
  private static let patience = Duration.seconds(1)

  let store: ModelStore?
  /// Watch over the store's folder.
  let folder: StateFolderWatch?
  /// Turns of changes to the live model, which exist before there is a model.
  let turns = SwapTurns()
  private let settings: AdminSettings
  private let scheme: String
  /// Token that clients must send; nil if none is needed.
  let token: AdminToken?
  private let service: AdminService?
  private let server: HTTPServer?

  /// Opens the store and listens; the only answer is 503 until `becomeReady`.
  init(
    _ settings: ServeSettings, _ identity: TLSIdentity?, inherited: CInt?, accessLog: AccessLog,
    log: Log
  ) throws(Failure) {
    self.settings = settings.admin
    scheme = settings.tls.scheme
    let configuration = settings.admin.server(
      like: settings.server, identity, inherited: inherited)
    store = try Self.store(settings.admin, log)
    folder = store.map { StateFolderWatch($0, log: log) }
    guard let configuration else {
      (token, service, server) = (nil, nil, nil)
      return
    }
    if inherited != nil, !configuration.isLocal, settings.admin.tokenFile == nil {
      throw Failure(
        "the socket for administrators that the service manager passes is on a port, which others may reach: "
          + "name a file with a token by --admin-token-file, or pass a Unix socket")
    }
    let token = try settings.admin.token(log)
    self.token = token
    let service = AdminService(
      token: token, isLocal: configuration.isLocal,
      isSecure: configuration.identity != nil, options: ServeSettings.effective(settings),
      accessLog: accessLog, log: log)
    self.service = service
    server = try Listening.server(configuration, service, portOption: "--admin-port")
  }

  private static func store(_ settings: AdminSettings, _ log: Log) throws(Failure) -> ModelStore? {
    guard let folder = settings.stateFolder else { return nil }
    do throws(StoreError) {
      let store = try ModelStore(folder: folder, limits: settings.store)
      for notice in store.notices { log.write("model store: \(notice)", as: .warning) }
      return store
    } catch {
      guard case .file = error else { throw Failure("--state-dir: \(error)") }
      throw Failure("--state-dir: \(error); \(folderRemedy)")
    }
  }

  /// Advice for a state folder that cannot be used.
  static let folderRemedy =
    "see the owner, modes and mount of the folder; a server without --state-dir needs none, and keeps no models"

  func start() { server?.start() }

  /// Whether anybody can send a first model.
  var canTakeModels: Bool { service != nil && store != nil }

  /// Lets models that administrators send become the first one.
  func open(_ vacancy: Vacancy) { service?.open(vacancy) }

  /// Notes that the first model is being loaded.
  func begin() { service?.begin() }

  /// Notes that a model is live and can be changed.
  func becomeReady(_ changes: ModelAdministration) { service?.becomeReady(changes) }

  /// Address for the log; nil if it does not listen.
  var address: (key: String, value: String)? {
    guard let server else { return nil }
    guard server.port != 0 else {
      return ("socket", settings.socketPath.map(AbsolutePath.of) ?? "of the service manager")
    }
    return ("url", Listening.url(scheme, settings.host, server.port))
  }

  /// Lets changes in progress finish, but not for long: one that is cut off leaves the store as it
  /// was or with the new model live.
  ///
  /// - Returns: Number of connections that still waited for an answer.
  func stop() -> Int { server?.drain(within: Self.patience) ?? 0 }
}
