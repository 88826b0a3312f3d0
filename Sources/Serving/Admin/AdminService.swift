import Checkpoint
import Dispatch
package import HTTPCore
package import HTTPServer
import Inference
import ModelStore
import Synchronization
package import Telemetry

/// The admin endpoint's service, on a listener of its own: what is live, what is kept, and changes
/// of both.
package final class AdminService: RequestHandler {
  /// Largest body of a request that needs none, or only a few lines.
  private static let bodyByteLimit = 4096

  /// Stage of the server's life, as administrators see it.
  enum Stage {
    /// The first model is being loaded.
    case starting
    /// There is none, and an upload may become the first.
    case vacant(Vacancy)
    case ready(ModelAdministration)
  }

  let access: AdminGuard
  let signIns = SignIns()
  private let refusals = RefusedTokens()
  let places = ChangePlaces()
  private let accessLog: AccessLog
  let log: Log
  let now: @Sendable () -> ContinuousClock.Instant
  /// Names and effective values of the options, none of them secret.
  private let options: [(name: String, value: String)]
  let stage = Mutex(Stage.starting)

  /// - Parameters:
  ///   - isLocal: Whether it listens on a Unix socket.
  ///   - isSecure: Whether its connections are encrypted.
  ///   - log: For the audit of those who are refused.
  package init(
    token: AdminToken?, isLocal: Bool = false, isSecure: Bool = false,
    options: [(name: String, value: String)], accessLog: AccessLog, log: Log,
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    access = AdminGuard(token: token, isLocal: isLocal, isSecure: isSecure)
    self.options = options
    self.accessLog = accessLog
    self.log = log
    self.now = now
  }

  package func becomeReady(_ ready: ModelAdministration) { stage.withLock { $0 = .ready(ready) } }

  /// Opens the vacancy: there is no model, and an upload may become the first.
  package func open(_ vacancy: Vacancy) { stage.withLock { $0 = .vacant(vacancy) } }

  /// The first model is being loaded.
  package func begin() { stage.withLock { $0 = .starting } }

  // MARK: Requests

  package func receive(_ head: RequestHead, from address: String = "-") -> Reception {
    let identity = RequestIdentity(head.fields, crossOrigin: .nobody)
    let route = AdminRoute(head.target.path)
    do throws(Problem) {
      if let answer = try answerOpenly(route, head, identity, from: address) {
        return .answer(identity.marking(answer))
      }
      let credential = try admit(head, identity, from: address)
      let actor = Administrator(
        credential: credential, address: address, requestID: identity.id)
      return try decide(route, head, identity, actor)
    } catch {
      return .answer(identity.marking(Self.response(to: error)))
    }
  }

  package func isEssential(_ head: RequestHead) -> Bool { true }

  package func answer(_ failure: ParseFailure, fields: HeaderFields?) -> Response {
    RequestIdentity(fields, crossOrigin: .nobody).marking(Problem(failure).response)
  }

  static func response(to problem: Problem) -> Response {
    var response = problem.response
    if problem.status == 401 { response.fields["WWW-Authenticate"] = "Bearer" }
    // A refused client keeps no place among the connections.
    response.closesConnection = problem.isRefusal
    return response
  }

  /// Returns the credential that lets somebody in. Throws the reason why not, and notes it.
  private func admit(
    _ head: RequestHead, _ identity: RequestIdentity, from address: String
  ) throws(Problem) -> String {
    let credential = try noting(identity, from: address) { () throws(Problem) in
      try access.checkSource(head, isOpen: false)
      return try access.check(head, at: now())
    }
    refusals.admitted(from: address)
    return credential
  }

  /// Notes the problem that a check of somebody throws: after some it becomes a pause.
  func noting<Result>(
    _ identity: RequestIdentity, from address: String, _ check: () throws(Problem) -> Result
  ) throws(Problem) -> Result {
    let now = now()
    defer { writeRefusals(at: now) }
    do throws(Problem) {
      return try check()
    } catch {
      guard let pause = refusals.refused(identity.id, from: address, at: now) else { throw error }
      throw Problem(
        429, .tooManyRefusals, "\(error.detail); too many requests from here were refused",
        retryAfterSeconds: Int(pause / .seconds(1)), isRefusal: true)
    }
  }

  /// Writes at most one line a second, whoever tries: it names the last and counts all.
  private func writeRefusals(at now: ContinuousClock.Instant) {
    if let line = refusals.line(at: now) {
      log.write(
        "audit", as: .warning,
        [
          "action": .text("refused"), "by": .text("-"), "remote": .text(line.address),
          "id": .text(line.id), "digest": .text("-"), "outcome": .text("refused"),
          "count": .integer(line.count),
        ])
    }
    // The last ones too, if no request comes after them.
    guard refusals.beginAwaiting() else { return }
    let interval = Int(RefusedTokens.lineInterval / .milliseconds(1))
    DispatchQueue.global(qos: .utility).asyncAfter(deadline: .now() + .milliseconds(interval)) {
      [weak self] in
      guard let self else { return }
      refusals.endAwaiting()
      writeRefusals(at: self.now())
    }
  }

  private func decide(
    _ route: AdminRoute?, _ head: RequestHead, _ identity: RequestIdentity,
    _ actor: Administrator
  ) throws(Problem) -> Reception {
    let path = head.target.path
    guard let route else {
      throw Problem(
        404, .notFound, "there is nothing at \(path) on the admin endpoint; see /admin/")
    }
    guard route.methods.contains(head.method) else {
      throw route.refusal(of: head)
    }
    var actor = actor
    if let action = route.action(head) { actor.trail = AuditTrail(action, by: actor, log) }
    do throws(Problem) {
      return try receive(route, head, identity, actor)
    } catch {
      actor.trail?.refuse(error)
      throw error
    }
  }

  private func receive(
    _ route: AdminRoute, _ head: RequestHead, _ identity: RequestIdentity, _ actor: Administrator
  ) throws(Problem) -> Reception {
    try head.checkContent()
    if head.method == "OPTIONS" { return .answer(identity.marking(.options(route.methods))) }
    try route.checkParameters(head)
    let stage = stage.withLock { $0 }
    if case .starting = stage, ![.page, .status].contains(route) { throw .starting }
    let isUpload = route == .model && head.method == "PUT"
    let isExamples = route == .examples && head.method == "POST"
    let change = try AdminChange(route, head)
    guard isUpload || isExamples || change != nil else {
      return .answer(identity.marking(try show(route, head, stage)))
    }
    let order = ChangeOrder(actor: actor, precondition: try Precondition(head.fields))
    guard let change else {
      return isExamples
        ? try receive(examples: head, stage, order, identity)
        : try receive(upload: head, stage, order, identity)
    }
    return .accept(
      bodyByteLimit: Self.bodyByteLimit,
      then: handling(order, identity) { [self] request, exchange in
        perform(change, request.body, order, identity, exchange)
      })
  }

  /// Returns the handling of a request for a change, which leaves a line in the audit also if its
  /// body is refused.
  ///
  /// - Parameter known: A cause that was known before the connection refused the body, which then is
  ///   not the whole story: a client that stalls may do so because of it.
  private func handling(
    _ order: ChangeOrder, _ identity: RequestIdentity,
    unless known: @escaping @Sendable () -> Problem? = { nil },
    _ run: @escaping @Sendable (Request, Exchange) -> Void
  ) -> Handling {
    Handling(
      refusing: { [trail = order.actor.trail] failure in
        let problem = known() ?? Problem(failure)
        trail?.refuse(problem)
        return identity.marking(problem.response)
      }, run)
  }

  private func show(
    _ route: AdminRoute, _ head: RequestHead, _ stage: Stage
  ) throws(Problem) -> Response {
    let (ready, store, turns): (ModelAdministration?, ModelStore?, SwapTurns?) =
      switch stage {
      case .starting: (nil, nil, nil)
      case .vacant(let vacancy): (nil, vacancy.store, vacancy.turns)
      case .ready(let ready): (ready, ready.store, ready.deployer.turns)
      }
    switch route {
    case .page, .entrance, .session: return AdminAnswer.requests()
    case .status:
      return AdminAnswer.status(
        ready?.pool.traffic, ready?.pool.context.metrics.summary(),
        waiting: ready == nil ? noModel(stage) : nil, keepsModels: store != nil,
        queueLimit: ready?.pool.context.limits.queueCountLimit)
    case .swap:
      return AdminAnswer.swap(
        inProgress: turns?.current?.status, arriving: turns?.arriving ?? [])
    case .versions:
      return AdminAnswer.versions(store?.versions() ?? [], canary: ready?.pool.traffic.canary)
    case .configuration:
      return AdminAnswer.configuration(options, ready?.pool.live.model.plan)
    case .model, .canary, .rollback, .activate, .version, .examples, .teach:
      guard let traffic = ready?.pool.traffic else { throw noModel(stage) }
      if case .canary = route { return AdminAnswer.canary(traffic) }
      let version = traffic.live.model.version
      return try Precondition(head.fields).isKnown(version)
        ? AdminAnswer.notModified(version) : AdminAnswer.model(traffic, store)
    }
  }

  func noModel(_ stage: Stage) -> Problem {
    guard case .vacant(let vacancy) = stage else { return .starting }
    return Problem(
      503, .noModel,
      "no model is live: \(vacancy.explanation); an upload, or one of the kept versions activated, becomes the first",
      retryAfterSeconds: 1)
  }

  private func receive(
    upload head: RequestHead, _ stage: Stage, _ order: ChangeOrder, _ identity: RequestIdentity
  ) throws(Problem) -> Reception {
    let parameters = try UploadParameters(head)
    let live: ModelVersion?
    let store: ModelStore
    let turns: SwapTurns
    switch stage {
    case .starting: throw .starting
    case .vacant(let vacancy): (live, store, turns) = (nil, vacancy.store, vacancy.turns)
    case .ready(let ready):
      live = ready.pool.live.model.version
      store = try ready.requireStore()
      turns = ready.deployer.turns
    }
    // Checked before the body is sent, and again when the upload has its turn.
    try order.precondition.check(live)
    do throws(StoreError) {
      let length = head.fields["Content-Length"].flatMap { Int($0) }
      let upload = try store.beginUpload(expectedByteCount: length)
      let arriving = ArrivingUpload(
        parameters.action, by: order.by, expectedByteCount: length,
        isChange: !parameters.dryRun)
      let sink = UploadSink(upload, arriving, in: turns, by: order.actor, log: log)
      return .stream(
        bodyByteLimit: store.limits.uploadByteLimit, to: sink,
        then: handling(order, identity, unless: { [weak sink, log] in sink?.problem(log) }) {
          [self] _, exchange in
          var order = order
          order.upload = arriving
          // A file that nobody waits for is not worth a proof.
          order.isAbandoned = { [weak exchange] in exchange?.hasClientFinished ?? true }
          perform(.upload(sink, parameters), [], order, identity, exchange)
        })
    } catch {
      throw log.problem(error)
    }
  }

  private func receive(
    examples head: RequestHead, _ stage: Stage, _ order: ChangeOrder, _ identity: RequestIdentity
  ) throws(Problem) -> Reception {
    let parameters = try ExampleParameters(head.target.query)
    guard case .ready(let ready) = stage else { throw noModel(stage) }
    try order.precondition.check(ready.pool.live.model.version)
    let limits = ready.pool.context.limits
    let length = head.fields["Content-Length"].flatMap { Int($0) } ?? 0
    if length <= limits.bodyByteLimit { try ready.bodies.check(length: length) }
    let type = head.fields["Content-Type"]
    return .accept(
      bodyByteLimit: limits.bodyByteLimit,
      hold: ready.bodies.hold { [trail = order.actor.trail] problem in
        trail?.refuse(problem)
        return identity.marking(problem.response)
      },
      deadline: BodyDeadline(
        after: limits.requestTimeout, response: identity.marking(Problem.deadline.response)),
      then: handling(order, identity) { [self] request, exchange in
        var order = order
        order.isAbandoned = { [weak exchange] in exchange?.isCancelled ?? true }
        let upload = ExampleUpload(
          content: RequestContent(
            request.body, type, names: ExampleParameters.names, hold: request.hold),
          parameters: parameters, identity: identity, receivedAt: exchange.receivedAt)
        perform(.addExamples(upload), [], order, identity, exchange)
      })
  }

  // MARK: Records

  package func finished(_ record: ExchangeRecord) { accessLog.write(record, on: .admin) }

  package func written(_ head: RequestHead?, after duration: Duration) {}
}
