import Checkpoint
import Decoding
import Dispatch
import Engine
import Foundation
import HTTPCore
import HTTPServer
import Inference
import Machine
import Serving
import Synchronization
import Telemetry
import Testing

/// A service around a model, the embedded one by default, used without sockets.
final class TestService: Sendable {
  let service: Service
  let pool: WorkerPool
  let context: ServingContext

  var metrics: ServingMetrics { context.metrics }
  var limits: ServingLimits { context.limits }

  convenience init(
    limits: ServingLimits = ServingLimits(),
    plan: CPUPlan = CPUPlan(workers: 1, threads: 1, maxBatch: 8),
    decoders: any DecoderSource = LocalDecoders(),
    memory: MemoryBudget = MemoryBudget(byteCount: 1 << 46), keys: APIKeys? = nil
  ) throws {
    try self.init(
      limits: limits, first: CompiledModel(Model.embedded(.cifar10), plan: plan),
      decoders: decoders, memory: memory, keys: keys)
  }

  /// - Parameter availableMemory: Called while a candidate is checked.
  init(
    limits: ServingLimits = ServingLimits(), first: CompiledModel,
    log: Log = Log(format: .json, descriptor: -1),
    decoders: any DecoderSource = LocalDecoders(),
    memory: MemoryBudget = MemoryBudget(byteCount: 1 << 46),
    availableMemory: @escaping @Sendable () -> Int? = { nil }, keys: APIKeys? = nil
  ) throws {
    context = ServingContext(
      limits: limits, metrics: ServingMetrics(), log: log, decoders: decoders, memory: memory,
      availableMemory: availableMemory)
    service = Service(
      limits: limits, metrics: context.metrics, keys: keys, accessLog: AccessLog(log),
      memory: memory)
    if let keys { context.metrics.show(keys) }
    pool = try WorkerPool(Deployment(first, context, by: "a test"), context)
    service.becomeReady(pool)
  }

  /// Asks from a thread that may wait for the answer.
  func wait(
    for target: String, _ fields: [(String, String)] = [], body: [UInt8]
  ) throws -> Response {
    let request = try Request("POST", target, fields, body: body)
    let exchange = Exchange(receivedAt: .now)
    let response = Mutex<Response?>(nil)
    let done = DispatchSemaphore(value: 0)
    service.handle(request, exchange)
    let immediate = exchange.handlerReturned { answer in
      response.withLock { $0 = answer }
      done.signal()
    }
    if let immediate { return immediate }
    done.wait()
    let answer = response.withLock(\.self)
    return try #require(answer)
  }

  /// Returns a deployment that could become live.
  func deployment(_ model: CompiledModel) throws -> Deployment {
    try Deployment(model, context, by: "a test")
  }

  deinit { pool.close() }

  func answer(_ request: Request) async -> Response {
    await answerOf(service, to: request)
  }
}

/// Returns the response of a connection: the refusal of the head, or the answer to the request.
func answerOf(_ handler: some RequestHandler, to request: Request) async -> Response {
  let exchange = Exchange(receivedAt: .now)
  return await withCheckedContinuation { continuation in
    handler.handle(request, exchange)
    let immediate = exchange.handlerReturned { continuation.resume(returning: $0) }
    if let immediate { continuation.resume(returning: immediate) }
  }
}

extension RequestHandler {
  /// Hands a request over as a connection does.
  func handle(_ request: Request, _ exchange: Exchange) {
    var request = request
    switch receive(request.head, from: "-") {
    case .answer(let response): exchange.respond(response)
    case .accept(let limit, let hold, _, let handling):
      #expect(request.body.count <= limit)
      if let hold, !hold.hold(request.body.count) {
        return exchange.respond(hold.refusal(of: request.body.count))
      }
      request.hold = hold
      handling.run(request, exchange)
    case .stream(let limit, let sink, let handling):
      #expect(request.body.count <= limit)
      sink.receive(request.body)
      request.body = []
      handling.run(request, exchange)
    }
  }
}

extension Request {
  init(
    _ method: String, _ target: String, _ fields: [(String, String)] = [], body: [UInt8] = []
  ) throws {
    let target = try #require(RequestTarget(target))
    self.init(
      head: RequestHead(
        method: method, target: target, version: .http11, fields: HeaderFields(fields)),
      body: body)
  }
}

extension Response {
  /// Returns the body as a JSON object.
  func json() throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
  }

  /// Returns the last part of a problem's type.
  func problemKind() throws -> String {
    #expect(fields["Content-Type"] == "application/problem+json")
    let document = try json()
    #expect(document["status"] as? Int == status)
    let type = try #require(document["type"] as? String)
    return String(type.dropFirst("urn:resnetd:problem:".count))
  }
}

/// Returns an image whose answer the embedded model's file knows.
func goldenImage(_ index: Int = 0) throws -> GoldenSample {
  try Model.embedded(.cifar10).goldenSamples[index]
}
