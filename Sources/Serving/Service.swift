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

  let limits: ServingLimits
  let metrics: ServingMetrics
  private let servesMetrics: Bool
  private let crossOrigin: CrossOriginRule
  /// Fetches images that requests name; nil where none are fetched.
  let fetcher: ImageFetcher?
  /// Clients' keys; nil where everybody may ask.
  let keys: APIKeys?
  /// Scheme of the addresses that it is asked at.
  private let scheme: String
  private let accessLog: AccessLog
  /// Records spans of requests; nil where none are wanted.
  private let tracer: RequestTracer?
  let bodies: BodyMemory
  private let readiness: Mutex<Readiness>
  /// Description of the live model, once somebody has asked for it.
  let described = Mutex<ModelDescription?>(nil)
  /// Version of the program.
  let version: String
  /// Description of all paths, once somebody has asked for it.
  let openAPI = Mutex<LastingAnswer?>(nil)

  /// Creates a service; `servesMetrics` says whether `/metrics` is served here or has a port of its
  /// own.
  ///
  /// - Parameters:
  ///   - crossOrigin: Web pages that may read answers.
  ///   - keys: Clients' keys; nil to let everybody ask.
  ///   - fetcher: Fetches images that requests name.
  ///   - version: Version of the program.
  ///   - scheme: Scheme of the addresses that it is asked at.
  ///   - tracer: Records spans of requests; nil where none are wanted.
  package init(
    limits: ServingLimits, metrics: ServingMetrics, servesMetrics: Bool = true,
    crossOrigin: CrossOriginRule = .off, keys: APIKeys? = nil, fetcher: ImageFetcher? = nil,
    version: String = "0", scheme: String = "http", accessLog: AccessLog,
    tracer: RequestTracer? = nil, memory: MemoryBudget = MemoryBudget(byteCount: 1 << 46)
  ) {
    self.limits = limits
    (self.crossOrigin, self.keys, self.fetcher) = (crossOrigin, keys, fetcher)
    (self.version, self.scheme) = (version, scheme)
    bodies = BodyMemory(
      memory, keptByteLimit: min(Self.keptBodyByteLimit, memory.byteCount / 64))
    self.metrics = metrics
    self.servesMetrics = servesMetrics
    self.accessLog = accessLog
    self.tracer = tracer
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

  var state: Readiness { readiness.withLock { $0 } }

  /// The workers, while there are any.
  var pool: WorkerPool? {
    switch state {
    case .ready(let pool): pool
    case .draining(let pool): pool
    case .starting: nil
    }
  }

  // MARK: Requests

  /// Returns the usual way to send an image, at the address that a client knows.
  private func example(for head: RequestHead) -> String {
    let host = head.fields["Host"] ?? ""
    let isPlain =
      !host.isEmpty
      && host.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: "-"),
          UInt8(ascii: "["), UInt8(ascii: "]"):
          true
        default: false
        }
      }
    return "curl -T cat.jpg \(scheme)://\(isPlain ? host : "localhost:8080")/classify"
  }

  package func receive(_ head: RequestHead, from address: String = "-") -> Reception {
    var identity = identity(head.fields)
    do throws(Problem) {
      return try decide(head, &identity)
    } catch {
      return .answer(identity.marking(Dialect(head.target.path).response(to: error)))
    }
  }

  package func answer(_ failure: ParseFailure, fields: HeaderFields?) -> Response {
    identity(fields).marking(Problem(failure).response)
  }

  private func identity(_ fields: HeaderFields?) -> RequestIdentity {
    RequestIdentity(fields, crossOrigin: crossOrigin)
  }

  package func isEssential(_ head: RequestHead) -> Bool {
    RoutedPath(head.target.path)?.route.isEssential ?? false
  }

  private func decide(
    _ head: RequestHead, _ identity: inout RequestIdentity
  ) throws(Problem) -> Reception {
    let path = head.target.path
    if head.method == "OPTIONS" {
      let allow = path == "*" ? Route.allMethods : try routed(path).route.methods
      var response = Response.options(allow)
      for field in crossOrigin.preflight(head.fields, methods: allow).fields {
        response.fields.append(field.name, field.value)
      }
      return .answer(identity.marking(response))
    }
    let routed = try routed(path)
    let route = routed.route
    guard route.methods.contains(head.method) else {
      throw .method(
        head.method, path, allow: route.methods,
        example: route == .classify ? example(for: head) : nil)
    }
    let key = route.needsKey ? try keys?.admit(head.fields, at: .now) : nil
    identity.keyName = key?.name
    // Probes need neither a body nor an exchange.
    guard route.takesImages else {
      return .answer(identity.marking(try answer(routed, head)))
    }
    guard let pool else { throw rejection }
    try head.checkWhole()
    let dialect = try Dialect(route, head.fields)
    var parameters = try ClassificationParameters(head, names: dialect.names) { choice in
      pool.traffic.likely(choice).model.labels.count
    }
    parameters.model = routed.model
    return try accept(head, parameters, dialect, identity, key, pool)
  }

  /// Takes a request with images, whose head is right.
  private func accept(
    _ head: RequestHead, _ parameters: ClassificationParameters, _ dialect: Dialect,
    _ identity: RequestIdentity, _ key: APIKey?, _ pool: WorkerPool
  ) throws(Problem) -> Reception {
    let coded = try ContentCoding.of(body: head.fields).map { coding in
      CodedBody(coding: coding, byteLimit: limits.bodyByteLimit, bodies: bodies)
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
    // Last, so that a key pays for no request that the server has no room for.
    try key?.begin(at: .now)
    let type = head.fields["Content-Type"]
    let answer = { @Sendable (problem: Problem) in
      identity.marking(dialect.response(to: problem))
    }
    return .accept(
      bodyByteLimit: limits.bodyByteLimit,
      hold: bodies.hold { [metrics] problem in
        metrics.rejected(.memory)
        return answer(problem)
      },
      deadline: BodyDeadline(after: timeout(parameters), response: answer(.deadline)),
      then: Handling(refusing: { answer(Problem($0)) }) { [self] request, exchange in
        let respond = {
          @Sendable [self] (content: RequestContent, parameters: ClassificationParameters) in
          if let problem = classify(content, parameters, identity, exchange) {
            exchange.respond(answer(problem))
          }
        }
        if coded == nil, let named = namedImage(request.body, type, dialect) {
          do throws(Problem) {
            try key?.count(images: 1, at: .now)
            try fetch(named, parameters, exchange, respond) { exchange.respond(answer($0)) }
          } catch { exchange.respond(answer(error)) }
          return
        }
        respond(
          RequestContent(
            request.body, type, dialect, coded: coded, key: key, hold: request.hold), parameters)
      })
  }

  /// Returns the time that a request may take, from its first byte.
  func timeout(_ parameters: ClassificationParameters) -> Duration {
    min(parameters.timeout ?? limits.requestTimeout, limits.requestTimeout)
  }

  private func routed(_ path: String) throws(Problem) -> RoutedPath {
    guard let routed = RoutedPath(path), routed.route != .metrics || servesMetrics else {
      throw .notFound(path)
    }
    return routed
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

  /// Problem that rejects a classification, counted.
  var rejection: Problem {
    if case .draining = state { metrics.rejected(.draining) } else { metrics.rejected(.starting) }
    return unavailable
  }

  // MARK: Records

  package func finished(_ record: ExchangeRecord) {
    let route = RouteLabels(record.head)
    metrics.answered(route, status: record.status, after: record.duration)
    if route.route?.takesImages == true, let duration = record.readDuration {
      metrics.model.spent(duration, on: .read)
    }
    accessLog.write(record, on: .requests, trace: tracer?.record(record, route.route))
  }

  package func written(_ head: RequestHead?, after duration: Duration) {
    if RouteLabels(head).route?.takesImages == true { metrics.model.spent(duration, on: .write) }
  }
}

/// State of the service's life, which probes report.
package enum Readiness: Sendable {
  /// Starting, with the present step.
  case starting(String)
  case ready(WorkerPool)
  case draining(WorkerPool?)
}
