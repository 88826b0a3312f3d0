import Checkpoint
import Foundation
import HTTPCore
import HTTPServer
import Inference
import Serving
import Synchronization
import Testing

/// Requests that share the workers.
@Suite struct WorkerPoolTests {
  /// Delay so long that only a full batch or the end of the pool begins one.
  private static let delay = Duration.seconds(3600)

  private func images() throws -> [[UInt8]] {
    try Model.embedded(.cifar10).goldenSamples.map(\.encodedImage)
  }

  /// Asks without waiting; `then` gets the answer on the worker's thread, unless it came at once.
  private func ask(
    _ service: TestService, _ body: [UInt8], _ fields: [(String, String)] = [],
    then: @escaping @Sendable (Response) -> Void
  ) throws -> Exchange {
    let exchange = Exchange(receivedAt: .now)
    service.service.handle(try Request("POST", "/classify", fields, body: body), exchange)
    if let immediate = exchange.handlerReturned(deliver: then) { then(immediate) }
    return exchange
  }

  private func probabilities(_ response: Response) throws -> [Int: Double] {
    #expect(response.status == 200)
    let predictions = try #require(try response.json()["predictions"] as? [[String: Any]])
    var result: [Int: Double] = [:]
    for prediction in predictions {
      result[try #require(prediction["class"] as? Int)] = prediction["probability"] as? Double
    }
    return result
  }

  @Test(
    "An image's answer is the same alone, in a batch, and on a team",
    arguments: [
      CPUPlan(workers: 1, threads: 1, maxBatch: 4, maxQueueDelay: delay),
      CPUPlan(workers: 2, threads: 2, maxBatch: 3), CPUPlan(workers: 1, threads: 2, maxBatch: 1),
    ])
  func sameAnswers(plan: CPUPlan) async throws {
    let images = try images()
    let alone = try TestService(plan: CPUPlan(workers: 1, threads: 1, maxBatch: 1))
    let together = try TestService(plan: plan)
    var expected: [[Int: Double]] = []
    for image in images {
      expected.append(
        try probabilities(
          await alone.answer(try Request("POST", "/classify?top_k=10", body: image))))
    }
    // The batches are full, because with a delay nothing else begins one.
    let requests = try (0..<12).map { index in
      try Request("POST", "/classify?top_k=10", body: images[index % images.count])
    }
    let answers = await withTaskGroup(of: (Int, Response).self) { group in
      for (index, request) in requests.enumerated() {
        group.addTask { (index, await together.answer(request)) }
      }
      return await group.reduce(into: [Int: Response]()) { $0[$1.0] = $1.1 }
    }
    for (index, answer) in answers {
      let found = try probabilities(answer)
      let wanted = expected[index % images.count]
      #expect(found.keys == wanted.keys)
      for (label, probability) in wanted {
        #expect(abs((found[label] ?? 1) - probability) <= 1e-5)
      }
    }
  }

  @Test("Work that nobody waits for is dropped before decoding, and again before it would run")
  func dropping() throws {
    // All four are taken together when the fourth has come.
    let service = try TestService(
      plan: CPUPlan(workers: 1, threads: 1, maxBatch: 4, maxQueueDelay: Self.delay))
    let image = try images()[0]
    let statuses = Mutex<[String: Int]>([:])
    let others = Mutex<[Exchange]>([])
    let done = DispatchSemaphore(value: 0)
    @Sendable func note(_ name: String, _ response: Response) {
      statuses.withLock { $0[name] = response.status }
      done.signal()
    }
    let decoded = try ask(service, image) { note("decoded", $0) }
    others.withLock { $0.append(decoded) }
    _ = try ask(service, [1]) { response in
      // The image before is decoded by now, the one after is not.
      for other in others.withLock({ $0 }) { other.cancel() }
      note("no image", response)
    }
    let waiting = try ask(service, [2]) { note("waiting", $0) }
    others.withLock { $0.append(waiting) }
    _ = try ask(service, image) { note("wanted", $0) }
    for _ in 0..<4 { done.wait() }
    #expect(
      statuses.withLock(\.self)
        == ["decoded": 504, "no image": 415, "waiting": 504, "wanted": 200])
  }

  @Test("Low priority is pushed out of a full queue with a time to come back")
  func priority() async throws {
    var limits = ServingLimits()
    limits.queueCountLimit = 2
    let service = try TestService(
      limits: limits,
      plan: CPUPlan(workers: 1, threads: 1, maxBatch: 4, maxQueueDelay: Self.delay))
    let image = try images()[0]
    let answers = Mutex<[String: Response]>([:])
    func ask(_ name: String, _ priority: String) throws {
      _ = try self.ask(service, image, [("X-Priority", priority)]) { response in
        answers.withLock { $0[name] = response }
      }
    }
    func status(_ name: String) -> Int? { answers.withLock { $0[name]?.status } }
    try ask("low", "low")
    try ask("second low", "LOW")
    #expect(status("low") == nil && status("second low") == 429)
    try ask("first", "normal")
    #expect(status("low") == nil)
    try ask("second", "Normal")
    #expect(status("low") == 429)
    #expect(answers.withLock { $0["low"]?.fields["Retry-After"] } == "1")
    try ask("third", "normal")
    #expect(status("third") == 429)
    #expect(status("first") == nil && status("second") == nil)
    // Waiting requests are answered when the pool ends.
    service.pool.close()
    #expect(status("first") == 200 && status("second") == 200)
  }

  @Test("A request of more images than a batch is answered in order, on a team as without")
  func lists() async throws {
    let images = try images()
    let body =
      #"{"images": ["#
      + (0..<9).map { #""\#(Data(images[$0 % images.count]).base64EncodedString())""# }
      .joined(separator: ",") + "]}"
    let request = try Request(
      "POST", "/classify?top_k=1", [("Content-Type", "application/json")], body: Array(body.utf8))
    var classes: [[Int]] = []
    for plan in [
      CPUPlan(workers: 1, threads: 2, maxBatch: 4), CPUPlan(workers: 2, threads: 1, maxBatch: 1),
    ] {
      let response = await (try TestService(plan: plan)).answer(request)
      let results = try #require(try response.json()["results"] as? [[String: Any]])
      classes.append(
        try results.map { result in
          let predictions = try #require(result["predictions"] as? [[String: Any]])
          return try #require(predictions.first?["class"] as? Int)
        })
    }
    #expect(classes[0].count == 9 && classes[0] == classes[1])
    #expect(Set(classes[0]).count > 1)
  }
}
