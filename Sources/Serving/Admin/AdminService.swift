package import HTTPCore
package import HTTPServer
import ModelStore
import Synchronization

/// What the admin endpoint serves, on a listener of its own: what is live, what is kept, and changes of it.
package final class AdminService: RequestHandler {
  /// Of a request that needs no body, or a few lines.
  private static let bodyByteLimit = 4096

  private let access: AdminGuard
  private let accessLog: AccessLog
  /// Names and effective values, none of them secret.
  private let options: [(name: String, value: String)]
  /// Nil until there is a model.
  private let administration = Mutex<ModelAdministration?>(nil)

  /// - Parameter isLocal: Whether it listens on a Unix socket.
  package init(
    token: AdminToken?, isLocal: Bool = false, options: [(name: String, value: String)],
    accessLog: AccessLog
  ) {
    access = AdminGuard(token: token, isLocal: isLocal)
    self.options = options
    self.accessLog = accessLog
  }

  package func becomeReady(_ ready: ModelAdministration) {
    administration.withLock { $0 = ready }
  }

  private func ready() throws(Problem) -> ModelAdministration {
    guard let ready = administration.withLock({ $0 }) else {
      throw Problem(503, "starting", "the first model is being loaded", retryAfterSeconds: 1)
    }
    return ready
  }

  // MARK: Requests

  package func receive(_ head: RequestHead) -> HeadDecision {
    do throws(Problem) {
      return try decide(head)
    } catch {
      return .answer(RequestIdentity(head.fields).marking(Self.response(to: error)))
    }
  }

  package func isEssential(_ head: RequestHead) -> Bool { true }

  package func answer(_ failure: ParseFailure, fields: HeaderFields?) -> Response {
    RequestIdentity(fields).marking(Problem(failure).response)
  }

  private static func response(to problem: Problem) -> Response {
    var response = problem.response
    if problem.status == 401 { response.fields["WWW-Authenticate"] = "Bearer" }
    return response
  }

  private func decide(_ head: RequestHead) throws(Problem) -> HeadDecision {
    try access.check(head)
    let path = head.target.path
    guard let route = AdminRoute(path) else {
      throw Problem(404, "not-found", "there is nothing at \(path) on the admin endpoint")
    }
    guard route.methods.contains(head.method) else {
      throw .method(head.method, allow: route.methods)
    }
    try head.checkContent()
    let identity = RequestIdentity(head.fields)
    if head.method == "OPTIONS" { return .answer(identity.marking(.options(route.methods))) }
    let ready = try ready()
    switch route {
    case .model where head.method == "PUT": return try stream(head, ready)
    case .activate, .rollback: return try accept(head)
    case .canary where head.method == "PUT" || head.method == "DELETE": return try accept(head)
    case .model:
      return .answer(identity.marking(AdminAnswer.model(ready.pool.traffic, ready.store?.live)))
    case .canary: return .answer(identity.marking(AdminAnswer.canary(ready.pool.traffic)))
    case .versions:
      let kept = ready.store?.versions() ?? []
      return .answer(
        identity.marking(AdminAnswer.versions(kept, canary: ready.pool.traffic.canary)))
    case .configuration:
      return .answer(
        identity.marking(AdminAnswer.configuration(options, ready.pool.live.model.plan)))
    }
  }

  /// A change without parameters in its address: whoever gives some means another one, perhaps a dry run.
  private func accept(_ head: RequestHead) throws(Problem) -> HeadDecision {
    if let item = head.target.query.first {
      throw .parameter("\(head.method) \(head.target.path) takes no parameters, not \(item.name)")
    }
    return .accept(bodyByteLimit: Self.bodyByteLimit)
  }

  private func stream(
    _ head: RequestHead, _ ready: ModelAdministration
  ) throws(Problem) -> HeadDecision {
    _ = try UploadParameters(head)
    let store = try ready.requireStore()
    do throws(StoreError) {
      let length = head.fields["Content-Length"].flatMap { Int($0) }
      let upload = try store.beginUpload(expectedByteCount: length)
      return .stream(
        bodyByteLimit: store.limits.uploadByteLimit, to: BodyDestination(UploadSink(upload)))
    } catch {
      throw Problem(error)
    }
  }

  /// Changes run on a thread of their own, for they take seconds.
  package func handle(_ request: Request, _ exchange: Exchange) {
    let identity = RequestIdentity(request.head.fields)
    let actor = Administrator(
      credential: access.credential, address: exchange.remoteAddress,
      requestID: identity.id)
    let thread = WorkerThread { [self] in
      do throws(Problem) {
        exchange.respond(identity.marking(try change(request, actor)))
      } catch {
        exchange.respond(identity.marking(Self.response(to: error)))
      }
    }
    if let thread {
      thread.detach()
    } else {
      let problem = Problem(503, "overloaded", "no thread can be started", retryAfterSeconds: 1)
      exchange.respond(identity.marking(problem.response))
    }
  }

  private func change(
    _ request: Request, _ actor: Administrator
  ) throws(Problem) -> Response {
    let ready = try ready()
    switch AdminRoute(request.head.target.path) {
    case .activate(let digits): return AdminAnswer.swap(try ready.activate(digits, by: actor))
    case .rollback: return AdminAnswer.swap(try ready.rollBack(by: actor))
    case .canary where request.head.method == "DELETE":
      try ready.endCanary(by: actor)
      return AdminAnswer.canary(ready.pool.traffic)
    case .canary:
      let report = try ready.setCanary(CanaryParameters(request.body), by: actor)
      return AdminAnswer.canary(ready.pool.traffic, begun: report)
    case .model:
      guard let sink = request.destination?.sink as? UploadSink else { throw .internalError }
      let parameters = try UploadParameters(request.head)
      return AdminAnswer.swap(
        try ready.upload(
          sink, digest: parameters.digest, inherits: parameters.inherits,
          dryRun: parameters.dryRun, by: actor))
    case .versions, .configuration, nil: throw .internalError
    }
  }

  // MARK: Records

  package func finished(_ record: ExchangeRecord) { accessLog.write(record) }

  package func written(_ head: RequestHead?, after duration: Duration) {}
}
