import Checkpoint
import Foundation
import HTTPCore
import HTTPServer
import Inference
import Serving
import Synchronization
import Testing

/// Choice of the requests that a canary answers.
@Suite struct CanarySplitTests {
  private static let plan = CPUPlan(workers: 1, threads: 1, maxBatch: 2)

  private func service() throws -> TestService {
    try TestService(first: SmallModels.live("a", plan: Self.plan))
  }

  /// Returns a canary whose answers name it.
  private func canary(
    _ service: TestService, _ mark: String = "b", classCount: Int = 10, percent: Double,
    obeysHeader: Bool = true, onEnd: @escaping @Sendable (CanaryEnd) -> Void = { _ in }
  ) throws -> Canary {
    let deployment = try service.deployment(
      SmallModels.live(mark, classCount: classCount, plan: Self.plan))
    let percent = try #require(CanaryPercent(percent))
    return Canary(
      deployment, beside: service.pool.live,
      rules: CanaryRules(percent: percent, obeysHeader: obeysHeader), by: "a test", onEnd: onEnd)
  }

  /// Returns the mark of the model that answered.
  private func mark(_ response: Response) throws -> String {
    #expect(response.status == 200)
    let model = try #require(try response.json()["model"] as? [String: Any])
    return try #require(model["name"] as? String)
  }

  private func marks(
    _ service: TestService, _ count: Int, choice: String? = nil, target: String = "/classify"
  ) throws -> [String] {
    let image = try goldenImage().encodedImage
    let fields = choice.map { [("X-Resnetd-Canary", $0)] } ?? []
    return try (0..<count).map { _ in
      try mark(service.wait(for: target, fields, body: image))
    }
  }

  private func samples(_ service: TestService) throws -> [String] {
    guard case .answer(let response) = service.service.receive(try Request("GET", "/metrics").head)
    else { return [] }
    return String(decoding: response.body, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  @Test("Of 400 requests 25 percent are 100, and every fourth")
  func share() throws {
    let service = try service()
    service.pool.traffic.begin(try canary(service, percent: 25))
    let marks = try marks(service, 400)
    #expect(marks.count { $0 == "b" } == 100)
    for start in stride(from: 0, to: 400, by: 4) {
      #expect(marks[start..<start + 4].count { $0 == "b" } == 1)
    }
  }

  @Test(
    "A share is exact to a hundredth of a percent",
    arguments: [(0, 0), (100, 400), (0.25, 1), (12.5, 50), (33.33, 133), (99.75, 399)])
  func fractions(percent: Double, expected: Int) throws {
    let service = try service()
    service.pool.traffic.begin(try canary(service, percent: percent))
    #expect(try marks(service, 400).count { $0 == "b" } == expected)
  }

  @Test("A percentage has at most two decimal places and is from 0 to 100")
  func percentages() {
    for (percent, text) in [
      (0.0, "0"), (0.05, "0.05"), (7, "7"), (12.5, "12.5"), (99.99, "99.99"), (100, "100"),
    ] { #expect(CanaryPercent(percent)?.description == text) }
    for percent in [-0.01, 100.01, 0.005, 33.333, .nan, .infinity, 1e300] {
      #expect(CanaryPercent(percent) == nil)
    }
  }

  @Test("A request chooses by its header, which takes nothing from the share of the others")
  func header() throws {
    let service = try service()
    let canary = try canary(service, percent: 0)
    #expect(try marks(service, 1, choice: "always") == ["a"])
    service.pool.traffic.begin(canary)
    #expect(try marks(service, 3, choice: "Always") == ["b", "b", "b"])
    #expect(try marks(service, 3) == ["a", "a", "a"])
    let whole = CanaryRules(percent: try #require(CanaryPercent(50)))
    #expect(service.pool.traffic.change(canary, to: whole))
    var others: [String] = []
    for _ in 0..<4 {
      #expect(try marks(service, 1, choice: "never") == ["a"])
      #expect(try marks(service, 1, choice: "always") == ["b"])
      others += try marks(service, 1)
    }
    #expect(others == ["a", "b", "a", "b"])
    let response = try service.wait(
      for: "/classify", [("X-Resnetd-Canary", "maybe")], body: goldenImage().encodedImage)
    #expect(response.status == 400)
    #expect(try response.problemKind() == "invalid-parameter")
    let detail = try response.json()["detail"] as? String
    #expect(detail == #"X-Resnetd-Canary is always or never, not "maybe""#)
  }

  @Test("Where the header is not obeyed the share decides for all")
  func forbiddenHeader() throws {
    let service = try service()
    service.pool.traffic.begin(try canary(service, percent: 50, obeysHeader: false))
    #expect(try marks(service, 4, choice: "always") == ["a", "b", "a", "b"])
    #expect(try marks(service, 4, choice: "never") == ["a", "b", "a", "b"])
  }

  @Test(
    "Parameters are those of the model that answers; the share takes no request that it would refuse"
  )
  func parameters() throws {
    let service = try service()
    service.pool.traffic.begin(try canary(service, classCount: 7, percent: 50))
    #expect(try marks(service, 4, target: "/classify?top_k=7") == ["a", "b", "a", "b"])
    #expect(try marks(service, 4, target: "/classify?top_k=8") == ["a", "a", "a", "a"])
    let image = try goldenImage().encodedImage
    let always = [("X-Resnetd-Canary", "always")]
    let refused = try service.wait(for: "/classify?top_k=8", always, body: image)
    #expect(refused.status == 400)
    let head = try Request("POST", "/classify?top_k=8", always).head
    guard case .answer(let early) = service.service.receive(head) else {
      Issue.record("the body was asked for")
      return
    }
    #expect(early.status == 400)
  }

  @Test(
    "Parameters in the body are held against the model that answers, also of a body with escapes",
    arguments: [false, true])
  func bodyParameters(isLong: Bool) throws {
    let service = try service()
    let canary = try canary(service, classCount: 7, percent: 50)
    service.pool.traffic.begin(canary)
    let image = Data(try goldenImage().encodedImage).base64EncodedString()
    // A body over a mebibyte with escapes is read by another thread.
    let ends = isLong ? String(repeating: #"\r\n"#, count: 270_000) : ""
    func answer(_ topK: Int, _ fields: [(String, String)] = []) throws -> Response {
      let response = try service.wait(
        for: "/classify", [("Content-Type", "application/json")] + fields,
        body: Array(#"{"image": "\#(image)\#(ends)", "top_k": \#(topK)}"#.utf8))
      if response.status == 200 {
        // As many as the model has computed.
        #expect((try response.json()["predictions"] as? [Any])?.count == topK)
      }
      return response
    }
    #expect(try (0..<4).map { _ in try mark(answer(7)) } == ["a", "b", "a", "b"])
    // The second and fourth fall to the canary, which leaves them to the live model.
    #expect(try (0..<4).map { _ in try mark(answer(8)) } == ["a", "a", "a", "a"])
    #expect(try answer(8, [("X-Resnetd-Canary", "always")]).status == 400)
    #expect(try answer(11).status == 400 && answer(11).status == 400)
    let name = "resnetd_classification_duration_seconds_count"
    let (a, b) = (service.pool.live.model.version.short, canary.version.short)
    let lines = try samples(service)
    for line in [
      "\(name){version=\"\(a)\",outcome=\"answered\"} 6",
      "\(name){version=\"\(a)\",outcome=\"refused\"} 1",
      "\(name){version=\"\(b)\",outcome=\"answered\"} 2",
      "\(name){version=\"\(b)\",outcome=\"refused\"} 2",
    ] { #expect(lines.contains(line), "\(line)") }
  }

  @Test("Requests of both models are counted by version while the canary runs and after")
  func metrics() throws {
    let service = try service()
    let canary = try canary(service, percent: 25)
    let (a, b) = (service.pool.live.model.version.short, canary.version.short)
    service.pool.traffic.begin(canary)
    _ = try marks(service, 8)
    #expect(
      try service.wait(for: "/classify", [("X-Resnetd-Canary", "always")], body: [1]).status == 415)
    let name = "resnetd_classification_duration_seconds_count"
    let expected = [
      "\(name){version=\"\(a)\",outcome=\"answered\"} 6",
      "\(name){version=\"\(b)\",outcome=\"answered\"} 2",
      "\(name){version=\"\(b)\",outcome=\"refused\"} 1",
      "resnetd_batch_size_count{version=\"\(b)\"} 2",
    ]
    var lines = try samples(service)
    for line in expected { #expect(lines.contains(line)) }
    #expect(lines.contains("resnetd_canary_percent 25"))
    #expect(
      lines.contains(
        #"resnetd_canary_info{version="\#(b)",name="b",classes="10",precision="fp32"} 1"#))
    #expect(lines.contains { $0.hasPrefix("resnetd_model_info{version=\"\(a)\"") })
    #expect(canary.status.counts.requests == 3 && canary.status.counts.errors == 0)
    service.pool.traffic.end(canary, .request)
    lines = try samples(service)
    for line in expected { #expect(lines.contains(line)) }
    #expect(lines.contains("resnetd_canary_percent 0"))
    #expect(lines.contains(#"resnetd_canary_returned_total{reason="request"} 1"#))
    #expect(!lines.contains { $0.hasPrefix("resnetd_canary_info") })
  }

  @Test("However many canaries come and go, the versions that metrics show are bounded")
  func boundedVersions() throws {
    let service = try service()
    let live = service.pool.live.model.version.short
    let count = ServingMetrics.formerVersionLimit + 3
    var latest = ""
    _ = try marks(service, 1)
    for number in 0..<count {
      let canary = try canary(service, "m\(number)", percent: 100)
      latest = canary.version.short
      service.pool.traffic.begin(canary)
      _ = try marks(service, 1)
    }
    let shown = try samples(service).filter { $0.hasPrefix("resnetd_batch_size_count{") }
    #expect(shown.count == ServingMetrics.formerVersionLimit + 1)
    for version in [live, latest] { #expect(shown.contains { $0.contains(version) }) }
    #expect(service.pool.traffic.lastEnd?.reason == .replaced)
  }

  @Test("A canary ends once, and another model's becoming live ends it")
  func end() throws {
    let service = try service()
    let ends = Mutex<[CanaryEndReason]>([])
    let note = { @Sendable (end: CanaryEnd) in ends.withLock { $0.append(end.reason) } }
    var canary = try canary(service, percent: 100, onEnd: note)
    service.pool.traffic.begin(canary)
    #expect(try marks(service, 1) == ["b"])
    #expect(service.pool.traffic.end(canary, .request)?.status.counts.requests == 1)
    #expect(service.pool.traffic.end(canary, .request) == nil)
    #expect(!service.pool.traffic.change(canary, to: canary.rules))
    #expect(try marks(service, 1) == ["a"])
    #expect(ends.withLock(\.self) == [.request])

    canary = try self.canary(service, percent: 100, onEnd: note)
    service.pool.traffic.begin(canary)
    service.pool.swap(to: try service.deployment(SmallModels.live("c", plan: Self.plan)))
    #expect(try marks(service, 1) == ["c"])
    canary = try self.canary(service, percent: 100, onEnd: note)
    service.pool.traffic.begin(canary)
    service.pool.swap(to: canary.deployment)
    #expect(try marks(service, 2) == ["b", "b"])
    #expect(service.pool.traffic.canary == nil)
    #expect(ends.withLock(\.self) == [.request, .swap, .promoted])
    #expect(service.pool.traffic.lastEnd?.reason == .promoted)
  }

  @Test("Under load canaries come and go without a request lost, and their memory goes with them")
  func underLoad() throws {
    let plan = CPUPlan(workers: 2, threads: 2, maxBatch: 4)
    let service = try TestService(first: SmallModels.live("a", plan: plan))
    let next = try SmallModels.live("b", scale: -1, plan: plan)
    let versions = [service.pool.live.model.version.short: "a", next.version.short: "b"]
    let image = try goldenImage().encodedImage
    let former = Mutex<[WeakDeployment]>([])
    let isDone = Atomic(false)
    let answered = Atomic(0)
    let areStarted = WorkerThread.runSideBySide(4) { thread in
      do {
        if thread == 0 {
          defer { isDone.store(true, ordering: .relaxed) }
          for turn in 0..<20 {
            let percent = try #require(CanaryPercent(50))
            let canary = Canary(
              try service.deployment(next), beside: service.pool.live,
              rules: CanaryRules(percent: percent), by: "a test")
            former.withLock { $0.append(WeakDeployment(canary.deployment)) }
            service.pool.traffic.begin(canary)
            let goal = answered.load(ordering: .relaxed) + 10
            #expect(eventually { answered.load(ordering: .relaxed) >= goal })
            // Every other one makes room for the next.
            if turn % 2 == 0 { service.pool.traffic.end(canary, .request) }
          }
          if let last = service.pool.traffic.canary {
            service.pool.traffic.end(last, .request)
          }
          return
        }
        while !isDone.load(ordering: .relaxed) {
          let response = try service.wait(for: "/classify", body: image)
          #expect(response.status == 200)
          let model = try #require(try response.json()["model"] as? [String: Any])
          let version = try #require(model["version"] as? String)
          let mark = try #require(versions[version])
          #expect(model["name"] as? String == mark)
          answered.add(1, ordering: .relaxed)
        }
      } catch {
        Issue.record("\(error)")
      }
    }
    #expect(areStarted && answered.load(ordering: .relaxed) >= 200)
    for deployment in former.withLock(\.self) { #expect(eventually { deployment.value == nil }) }
  }
}
