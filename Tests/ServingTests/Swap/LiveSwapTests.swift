import Checkpoint
import Classifying
import Dispatch
import Engine
import HTTPCore
import HTTPServer
import Inference
import Serving
import Synchronization
import Telemetry
import Testing

/// Swaps of the live model beneath the workers.
@Suite struct LiveSwapTests {
  private struct Answer: Sendable {
    var status: Int
    var version: String
    var probabilities: [String: Double]
  }

  private static let target = "/classify?top_k=7"

  private func answer(_ response: Response) throws -> Answer {
    let document = try response.json()
    let model = try #require(document["model"] as? [String: Any])
    let predictions = try #require(document["predictions"] as? [[String: Any]])
    var probabilities: [String: Double] = [:]
    for prediction in predictions {
      probabilities[try #require(prediction["label"] as? String)] =
        prediction["probability"] as? Double
    }
    return Answer(
      status: response.status, version: try #require(model["version"] as? String),
      probabilities: probabilities)
  }

  private func expected(_ live: CompiledModel, _ image: [UInt8]) throws -> [String: Double] {
    let classifier = try Classifier(live, limits: ServingLimits().decoding)
    let all = try classifier.classify(image)
    let entries = Ranking(all, by: live.output, count: 7, minimum: nil).entries
    return Dictionary(
      uniqueKeysWithValues: entries.map { (live.labels[$0.index], Double($0.value)) })
  }

  @Test("Under load every request is answered, by the model that its answer names")
  func underLoad() throws {
    let models = [
      try SmallModels.live("a"), try SmallModels.live("b", classCount: 7, scale: -1),
    ]
    let service = try TestService(first: models[0])
    let image = try goldenImage().encodedImage
    var expected: [String: [String: Double]] = [:]
    for model in models { expected[model.version.short] = try self.expected(model, image) }
    let (clientCount, requestCount) = (4, 60)
    let unfinished = Atomic(clientCount)
    let answers = Mutex<[Answer]>([])
    let former = Mutex<[WeakDeployment]>([])
    let areStarted = WorkerThread.runSideBySide(clientCount + 1) { thread in
      if thread < clientCount {
        for _ in 0..<requestCount {
          do {
            let answer = try answer(try service.wait(for: Self.target, body: image))
            answers.withLock { $0.append(answer) }
          } catch {
            Issue.record("no answer: \(error)")
          }
        }
        unfinished.subtract(1, ordering: .relaxed)
        return
      }
      var count = 0
      while unfinished.load(ordering: .relaxed) > 0 {
        do {
          count += 1
          let next = try service.deployment(models[count % 2])
          let replaced = service.pool.swap(to: next)
          former.withLock { $0.append(WeakDeployment(replaced)) }
        } catch {
          Issue.record("no deployment: \(error)")
        }
      }
    }
    #expect(areStarted)
    let all = answers.withLock(\.self)
    #expect(all.count == clientCount * requestCount)
    for answer in all {
      #expect(answer.status == 200)
      let wanted = try #require(expected[answer.version])
      #expect(answer.probabilities.keys == wanted.keys)
      for (label, probability) in wanted {
        #expect(abs((answer.probabilities[label] ?? 2) - probability) <= 1e-5)
      }
    }
    #expect(Set(all.map(\.version)).count == 2)
    #expect(former.withLock { $0.count } > 1)
    // A worker releases the last request a moment after its answer.
    for deployment in former.withLock(\.self) { #expect(eventually { deployment.value == nil }) }
  }

  @Test("What waits is answered by the model that it was admitted to, then that model is let go")
  func waiting() throws {
    let plan = CPUPlan(workers: 1, threads: 1, maxBatch: 2, maxQueueDelay: .seconds(3600))
    let service = try TestService(first: SmallModels.live("a", plan: plan))
    let image = try goldenImage().encodedImage
    let answers = Mutex<[String: Response]>([:])
    func submit(_ name: String) throws {
      let exchange = Exchange(receivedAt: .now)
      service.service.handle(
        try Request("POST", "/classify?top_k=7", body: image), exchange)
      let immediate = exchange.handlerReturned { answer in
        answers.withLock { $0[name] = answer }
      }
      #expect(immediate == nil)
    }
    try submit("before")
    let next = try service.deployment(SmallModels.live("b", classCount: 7, plan: plan))
    let former = WeakDeployment(service.pool.swap(to: next))
    #expect(former.value != nil)
    try submit("after")
    #expect(eventually { former.value == nil })
    // The parameters are those of the live model.
    #expect(try service.wait(for: "/classify?top_k=8", body: image).status == 400)
    service.pool.close()
    let responses = answers.withLock(\.self)
    let labels = try responses.mapValues { response in
      try answer(response).probabilities.keys.sorted().first?.first
    }
    #expect(labels == ["before": "a", "after": "b"])
  }

  @Test("The memory of a former deployment is given back when its release has been waited for")
  func release() throws {
    let plan = CPUPlan(workers: 1, threads: 1, maxBatch: 1)
    let service = try TestService(first: SmallModels.live("a", plan: plan))
    let live = service.pool.live
    for _ in 0..<20 {
      weak var network: CompiledNetwork?
      do {
        let former = try Deployment(
          SmallModels.live("b", plan: plan), service.context, by: "a test", beside: live)
        network = former.model.network
        #expect(network != nil)
      }
      live.awaitReleases()
      #expect(network == nil)
    }
  }

  @Test("Each version has its own metrics, a bounded number of them, and one is live")
  func metrics() throws {
    let plan = CPUPlan(workers: 1, threads: 1, maxBatch: 1)
    let service = try TestService(first: SmallModels.live("m0", plan: plan))
    let image = try goldenImage().encodedImage
    let count = ServingMetrics.formerVersionLimit + 3
    var versions = [service.pool.live.model.version.short]
    func serve(_ requestCount: Int) throws {
      for _ in 0..<requestCount {
        #expect(try service.wait(for: Self.target, body: image).status == 200)
      }
    }
    func samples() throws -> [String] {
      let text = String(decoding: try get(service.service, "/metrics").body, as: UTF8.self)
      return text.split(separator: "\n").map(String.init)
    }
    try serve(2)
    for number in 1..<count {
      let model = try SmallModels.live("m\(number)", plan: plan)
      versions.append(model.version.short)
      service.pool.swap(to: try service.deployment(model))
      try serve(1)
    }
    // Back to one that is still shown: its count goes on, and it is not shown twice.
    let known = count - 2
    let again = try SmallModels.live("m\(known)", plan: plan)
    service.pool.swap(to: try service.deployment(again))
    try serve(1)
    let lines = try samples()
    for (number, version) in versions.enumerated() {
      let shown = lines.filter { $0.hasPrefix("resnetd_batch_size_count{version=\"\(version)\"}") }
      let isKept = number >= count - ServingMetrics.formerVersionLimit - 1
      #expect(shown.map { $0.last } == (isKept ? [number == known ? "2" : "1"] : []))
    }
    let info = lines.filter { $0.hasPrefix("resnetd_model_info{") }
    #expect(info.count == 1)
    #expect(info.first?.contains("version=\"\(versions[known])\",name=\"m\(known)\"") == true)
    #expect(
      Set(lines.filter { !$0.hasPrefix("#") }.map { $0.prefix { $0 != " " } }).count
        == lines.count { !$0.hasPrefix("#") })
  }

  private func get(_ service: Service, _ target: String) throws -> Response {
    guard case .answer(let response) = service.receive(try Request("GET", target).head) else {
      throw CancellationError()
    }
    return response
  }
}

/// A weak reference that tells whether a deployment still exists.
struct WeakDeployment: Sendable {
  private(set) weak var value: Deployment?

  init(_ value: Deployment) { self.value = value }
}
