package import HTTPCore
package import HTTPServer
import Inference
package import Machine
import Synchronization
import Time

/// Service of resnetd: routes requests, answers probes itself and hands classifications to the
/// workers.
package final class Service: RequestHandler {
  /// Bytes of buffers that are kept from one body to the next: 16 MiB, or less if the budget is
  /// small.
  private static let keptBodyByteLimit = 16 << 20

  private let limits: ServingLimits
  private let metrics: ServingMetrics
  private let servesMetrics: Bool
  private let accessLog: AccessLog
  private let bodies: BodyMemory
  private let readiness: Mutex<Readiness>

  /// Creates a service; `servesMetrics` says whether `/metrics` is served here or has a port of its
  /// own.
  package init(
    limits: ServingLimits, metrics: ServingMetrics, servesMetrics: Bool = true,
    accessLog: AccessLog, memory: MemoryBudget = MemoryBudget(byteCount: 1 << 46)
  ) {
    self.limits = limits
    bodies = BodyMemory(
      memory, keptByteLimit: min(Self.keptBodyByteLimit, memory.byteCount / 64))
    self.metrics = metrics
    self.servesMetrics = servesMetrics
    self.accessLog = accessLog
    readiness = Mutex(.starting("loading the model"))
  }

  // MARK: Life

  package func progress(_ doing: String) { readiness.withLock { $0 = .starting(doing) } }

  /// Sends requests to the pool from now on, unless the service is already draining.
  package func becomeReady(_ pool: WorkerPool) {
    metrics.watch(queueDepth: { [weak pool] in pool?.queuedCount ?? 0 })
    pool.whenIdle { [bodies] in bodies.releaseBuffers() }
    metrics.watch(canary: { [weak pool] in pool?.traffic.canary?.gauge })
    readiness.withLock { state in
      if case .draining = state { return }
      state = .ready(pool)
    }
  }

  /// Makes readiness probes fail from now on; requests are still served.
  package func beginDraining() {
    readiness.withLock { state in
      if case .ready(let pool) = state { state = .draining(pool) } else { state = .draining(nil) }
    }
  }

  private var state: Readiness { readiness.withLock { $0 } }

  /// The workers, while there are any.
  private var pool: WorkerPool? {
    switch state {
    case .ready(let pool): pool
    case .draining(let pool): pool
    case .starting: nil
    }
  }

  // MARK: Requests

  /// The usual way to send an image, at the default port.
  private static let example = "curl -T cat.jpg http://localhost:8080/classify"

  package func receive(_ head: RequestHead, from address: String = "-") -> Reception {
    let identity = RequestIdentity(head.fields)
    do throws(Problem) {
      return try decide(head, identity)
    } catch {
      return .answer(identity.marking(error.response))
    }
  }

  package func answer(_ failure: ParseFailure, fields: HeaderFields?) -> Response {
    RequestIdentity(fields).marking(Problem(failure).response)
  }

  package func isEssential(_ head: RequestHead) -> Bool {
    Route(head.target.path)?.isEssential ?? false
  }

  private func decide(
    _ head: RequestHead, _ identity: RequestIdentity
  ) throws(Problem) -> Reception {
    let path = head.target.path
    if head.method == "OPTIONS" {
      let allow = path == "*" ? Route.allMethods : try route(path).methods
      return .answer(identity.marking(.options(allow)))
    }
    let route = try route(path)
    guard route.methods.contains(head.method) else {
      throw .method(
        head.method, path, allow: route.methods,
        example: route == .classify ? Self.example : nil)
    }
    // Probes need neither a body nor an exchange.
    guard route == .classify else {
      return .answer(identity.marking(probe(route)))
    }
    guard let pool else { throw rejection }
    try head.checkContent()
    let parameters = try ClassificationParameters(head) { choice in
      pool.traffic.likely(choice).model.labels.count
    }
    try parameters.check(pool.traffic.likely(parameters.canary).model)
    // A length that is malformed or beyond the limit is for the connection to reject.
    let length = head.fields["Content-Length"].flatMap { Int($0) } ?? 0
    if length <= limits.bodyByteLimit {
      try pool.check(byteCount: length, priority: parameters.priority)
      do throws(Problem) { try bodies.check(length: length) } catch {
        metrics.rejected(.memory)
        throw error
      }
    }
    let type = head.fields["Content-Type"]
    return .accept(
      bodyByteLimit: limits.bodyByteLimit,
      hold: bodies.hold { [metrics] problem in
        metrics.rejected(.memory)
        return identity.marking(problem.response)
      },
      deadline: BodyDeadline(
        after: timeout(parameters), response: identity.marking(Problem.deadline.response)),
      then: Handling { [self] request, exchange in
        let content = RequestContent(request.body, type, hold: request.hold)
        if let problem = classify(content, parameters, identity, exchange) {
          exchange.respond(identity.marking(problem.response))
        }
      })
  }

  /// Returns the time that a request may take, from its first byte.
  private func timeout(_ parameters: ClassificationParameters) -> Duration {
    min(parameters.timeout ?? limits.requestTimeout, limits.requestTimeout)
  }

  private func route(_ path: String) throws(Problem) -> Route {
    guard let route = Route(path), route != .metrics || servesMetrics else {
      throw .notFound(path)
    }
    return route
  }

  /// Returns nil if the workers will answer.
  private func classify(
    _ content: RequestContent, _ parameters: ClassificationParameters,
    _ identity: RequestIdentity, _ exchange: Exchange
  ) -> Problem? {
    do throws(Problem) {
      guard let pool else { throw rejection }
      return pool.submit(
        ClassificationJob(
          content: content, admission: try Admission(parameters, pool.traffic), identity: identity,
          exchange: exchange, deadline: exchange.receivedAt + timeout(parameters), queuedAt: .now,
          pending: pool.pending))
    } catch {
      return error
    }
  }

  private func probe(_ route: Route) -> Response {
    switch route {
    case .live: Response(status: 200, contentType: "text/plain", text: "ok")
    case .home: PageResponse.home.response
    case .started:
      if case .starting = state { unavailable.response } else { ok }
    case .ready, .classify:
      if case .ready(let pool) = state {
        stalled(pool)?.response
          ?? pool.decodingFault.map { Self.noDecoders($0).response } ?? ok
      } else {
        unavailable.response
      }
    case .metrics: metrics.response()
    }
  }

  private static func noDecoders(_ fault: String) -> Problem {
    Problem(503, .noDecoders, fault, retryAfterSeconds: 1)
  }

  /// Returns the reason why a server with a model should still get no requests, or nil.
  private func stalled(_ pool: WorkerPool) -> Problem? {
    switch pool.stall {
    case .allMove, .withoutDecoders: nil
    case .stalled(let worker, let duration), .lost(let worker, let duration):
      Problem(
        503, .workerStalled,
        "worker \(worker) has been at one step for \(duration.nanoseconds / 1_000_000_000) s",
        retryAfterSeconds: 1)
    }
  }

  private var ok: Response { Response(status: 200, contentType: "text/plain", text: "ok") }

  /// Problem that says what the server waits for.
  private var unavailable: Problem {
    switch state {
    case .starting(let doing): Problem(503, .starting, doing, retryAfterSeconds: 1)
    case .ready: Problem(503, .starting, "the model is ready", retryAfterSeconds: 1)
    case .draining:
      Problem(503, .draining, "the server is about to stop", retryAfterSeconds: 1)
    }
  }

  /// Problem that rejects a classification, counted.
  private var rejection: Problem {
    if case .draining = state { metrics.rejected(.draining) } else { metrics.rejected(.starting) }
    return unavailable
  }

  // MARK: Records

  package func finished(_ record: ExchangeRecord) {
    let route = RouteLabels(record.head)
    metrics.answered(route, status: record.status, after: record.duration)
    if route.route == .classify, let duration = record.readDuration {
      metrics.model.spent(duration, on: .read)
    }
    accessLog.write(record)
  }

  package func written(_ head: RequestHead?, after duration: Duration) {
    if RouteLabels(head).route == .classify { metrics.model.spent(duration, on: .write) }
  }
}

/// State of the service's life, which probes report.
package enum Readiness: Sendable {
  /// Starting, with the present step.
  case starting(String)
  case ready(WorkerPool)
  case draining(WorkerPool?)
}
