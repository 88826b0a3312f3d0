import Checkpoint
import Foundation
import HTTPCore
import HTTPServer
import Imaging
import Inference
import Serving
import Synchronization
import Testing

/// Canaries that end by themselves.
@Suite struct CanaryReturnTests {
  private static let plan = CPUPlan(workers: 1, threads: 1, maxBatch: 2)

  // MARK: The watch

  @Test("Few requests say nothing; of enough, a twentieth may fail")
  func errors() {
    var watch = CanaryWatch()
    for _ in 1..<CanaryLimits.requestMinimum { #expect(watch.finished(.failed) == nil) }
    #expect(watch.finished(.answered) == .errors)
    #expect(watch.counts.requests == CanaryLimits.requestMinimum)
    #expect(watch.counts.errors == CanaryLimits.requestMinimum - 1)

    watch = CanaryWatch()
    for number in 0..<100 { #expect(watch.finished(number < 95 ? .answered : .failed) == nil) }
    #expect(watch.finished(.failed) == .errors)
  }

  @Test("Failures that are long past do not count, and those of clients never do")
  func window() {
    var watch = CanaryWatch()
    for round in 0..<10 {
      // Five in a window of 100 are not too many.
      for number in 0..<100 {
        let outcomes: [ClassificationOutcome] = [.answered, .refused, .late]
        #expect(watch.finished(number % 20 == 19 ? .failed : outcomes[number % 3]) == nil)
      }
      #expect(watch.counts.errors == 5 * (round + 1))
    }
  }

  @Test("One output that is not finite is enough")
  func notFiniteOutput() {
    var watch = CanaryWatch()
    #expect(watch.finished(.answered) == nil)
    #expect(watch.finished(.notFinite) == .notFinite)
    #expect(watch.counts.requests == 2 && watch.counts.errors == 1)
  }

  @Test(
    "As many comparisons may disagree as the bar says, once there are enough",
    arguments: [(0.5, 15), (0.1, 3), (0, 0), (0.99, 29)])
  func bar(bar: Double, allowed: Int) {
    var watch = CanaryWatch()
    for number in 0..<CanaryLimits.comparisonMinimum {
      #expect(watch.compared(agrees: number >= allowed, bar: bar) == nil)
    }
    watch = CanaryWatch()
    for number in 1..<CanaryLimits.comparisonMinimum {
      #expect(watch.compared(agrees: number > allowed + 1, bar: bar) == nil)
    }
    let reason = watch.compared(agrees: allowed + 1 < CanaryLimits.comparisonMinimum, bar: bar)
    #expect(reason == .disagreement)
    #expect(watch.counts.disagreements == allowed + 1)
  }

  @Test("Without a bar, or with one of all, nothing disagrees too much")
  func noBar() {
    var watch = CanaryWatch()
    for number in 0..<500 {
      #expect(watch.compared(agrees: false, bar: number % 2 == 0 ? nil : 1) == nil)
    }
    #expect(watch.counts.comparisons == 500 && watch.counts.disagreements == 500)
  }

  // MARK: In the pool

  private func service(_ plan: CPUPlan = plan) throws -> TestService {
    try TestService(first: SmallModels.live("a", plan: plan))
  }

  /// Returns a canary that answers all requests without a choice.
  private func canary(
    _ service: TestService, _ model: CompiledModel, bar: Double? = 0.5, pause: Int = 0,
    onEnd: @escaping @Sendable (CanaryEnd) -> Void = { _ in }
  ) throws -> Canary {
    let percent = try #require(CanaryPercent(100))
    return Canary(
      try service.deployment(model), beside: service.pool.live,
      rules: CanaryRules(percent: percent, maxDisagreement: bar), by: "a test",
      comparisonPause: pause, onEnd: onEnd)
  }

  private func samples(_ service: TestService) throws -> [String] {
    guard case .answer(let response) = service.service.receive(try Request("GET", "/metrics").head)
    else { return [] }
    return String(decoding: response.body, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private func serve(_ service: TestService, _ image: [UInt8]? = nil) throws -> String {
    let response = try service.wait(
      for: "/classify", body: image ?? goldenImage().encodedImage)
    #expect(response.status == 200)
    let model = try #require(try response.json()["model"] as? [String: Any])
    return try #require(model["name"] as? String)
  }

  @Test("Too many failures end the canary once, and the live model answers")
  func returnOnErrors() throws {
    let service = try service()
    let ends = Mutex<[CanaryEndReason]>([])
    let canary = try canary(service, SmallModels.live("b", plan: Self.plan)) { end in
      ends.withLock { $0.append(end.reason) }
    }
    service.pool.traffic.begin(canary)
    #expect(try serve(service) == "b")
    for _ in 0..<2 * CanaryLimits.requestMinimum {
      service.pool.traffic.record(.failed, of: canary)
    }
    #expect(service.pool.traffic.canary == nil)
    #expect(try serve(service) == "a")
    #expect(ends.withLock(\.self) == [.errors])
    #expect(service.pool.traffic.lastEnd?.status.counts.requests == CanaryLimits.requestMinimum)
    #expect(
      try samples(service).contains(#"resnetd_canary_returned_total{reason="errors"} 1"#))
  }

  @Test(
    "Output that is not finite ends the canary; who did not ask for it is answered by the live model"
  )
  func returnOnNotFiniteOutput() throws {
    let service = try service()
    let (model, trigger) = try SmallModels.overflowing("a", name: "b")
    let live = try CompiledModel(model, plan: Self.plan)
    let first = try canary(service, live)
    service.pool.traffic.begin(first)
    let harmless = model.goldenSamples[0].encodedImage
    #expect(try serve(service, harmless) == "b")
    #expect(service.pool.traffic.canary === first)
    #expect(try serve(service, trigger) == "a")
    #expect(service.pool.traffic.canary == nil)
    #expect(service.pool.traffic.lastEnd?.reason == .notFinite)
    #expect(service.pool.traffic.lastEnd?.status.counts.errors == 1)

    let second = try canary(service, live)
    service.pool.traffic.begin(second)
    let asked = try service.wait(
      for: "/classify", [("X-Resnetd-Canary", "always")], body: trigger)
    #expect(asked.status == 500)
    #expect(service.pool.traffic.canary == nil)
    #expect(try serve(service, harmless) == "a")
    let lines = try samples(service)
    let name = "resnetd_classification_duration_seconds_count"
    let version = live.version.short
    #expect(lines.contains("\(name){version=\"\(version)\",outcome=\"not_finite\"} 2"))
    #expect(lines.contains(#"resnetd_canary_returned_total{reason="not_finite"} 2"#))
  }

  @Test("A list with an image that the canary fails is answered by the live model as a whole")
  func failedList() async throws {
    let service = try service()
    let (model, trigger) = try SmallModels.overflowing("a", name: "b")
    service.pool.traffic.begin(try canary(service, CompiledModel(model, plan: Self.plan)))
    let images = ([trigger] + model.goldenSamples.map(\.encodedImage) + [trigger])
      .map { #""\#(Data($0).base64EncodedString())""# }
    let body = #"{"images":[\#(images.joined(separator: ","))]}"#
    let response = await service.answer(
      try Request(
        "POST", "/classify", [("Content-Type", "application/json")], body: Array(body.utf8)))
    #expect(response.status == 200)
    let document = try response.json()
    #expect((document["model"] as? [String: Any])?["name"] as? String == "a")
    let results = try #require(document["results"] as? [[String: Any]])
    #expect(results.count == images.count && results.allSatisfy { $0["predictions"] != nil })
    #expect(service.pool.traffic.canary == nil)
  }

  @Test("A canary that finds other classes than the live model ends after enough comparisons")
  func returnOnDisagreement() throws {
    let service = try service()
    let opposite = try SmallModels.live("a", name: "b", scale: -1, plan: Self.plan)
    let canary = try canary(service, opposite)
    service.pool.traffic.begin(canary)
    #expect(canary.status.isCompared)
    // The worker compares after its answer, before it takes anything else.
    for _ in 0..<CanaryLimits.comparisonMinimum { #expect(try serve(service) == "b") }
    #expect(eventually { service.pool.traffic.canary == nil })
    #expect(try serve(service) == "a")
    let end = try #require(service.pool.traffic.lastEnd)
    #expect(end.reason == .disagreement)
    #expect(end.status.counts.comparisons == CanaryLimits.comparisonMinimum)
    #expect(end.status.counts.disagreements == CanaryLimits.comparisonMinimum)
    let lines = try samples(service)
    #expect(
      lines.contains(
        #"resnetd_canary_comparisons_total{outcome="disagreed"} \#(CanaryLimits.comparisonMinimum)"#
      ))
    #expect(lines.contains(#"resnetd_canary_returned_total{reason="disagreement"} 1"#))
  }

  @Test("A canary whose contract refuses images that the live model takes disagrees")
  func refusedImages() throws {
    let service = try service()
    var policies = ImagePolicies()
    policies.grey = .refuse
    let model = try SmallModels.model("a", name: "b", policies: policies)
    let canary = try canary(service, CompiledModel(model, plan: Self.plan))
    service.pool.traffic.begin(canary)
    // One grey pixel, as a PNG.
    let text =
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
    let grey = Array(try #require(Data(base64Encoded: text)))
    for _ in 0..<CanaryLimits.comparisonMinimum {
      #expect(try service.wait(for: "/classify", body: grey).status == 415)
    }
    #expect(eventually { service.pool.traffic.canary == nil })
    #expect(service.pool.traffic.lastEnd?.reason == .disagreement)
    #expect(service.pool.traffic.lastEnd?.status.counts.errors == 0)
    #expect(try serve(service, grey) == "a")
  }

  @Test("A canary that finds the same classes stays, whatever its bar")
  func agreement() throws {
    let service = try service()
    let canary = try canary(
      service, SmallModels.live("a", name: "b", plan: Self.plan), bar: 0)
    service.pool.traffic.begin(canary)
    let count = 2 * CanaryLimits.comparisonMinimum
    for _ in 0..<count { #expect(try serve(service) == "b") }
    #expect(eventually { canary.status.counts.comparisons == count })
    #expect(canary.status.counts.disagreements == 0)
    #expect(service.pool.traffic.canary === canary)
  }

  @Test(
    "Where the labels differ, or there is no bar, nothing is compared", arguments: [true, false])
  func uncompared(sameLabels: Bool) throws {
    let service = try service()
    let model = try SmallModels.live(
      sameLabels ? "a" : "b", name: "b", scale: -1, plan: Self.plan)
    let canary = try canary(service, model, bar: sameLabels ? nil : 0)
    service.pool.traffic.begin(canary)
    #expect(!canary.status.isCompared)
    for _ in 0..<2 * CanaryLimits.comparisonMinimum { #expect(try serve(service) == "b") }
    #expect(service.pool.traffic.canary === canary)
    #expect(canary.status.counts.comparisons == 0)
  }

  @Test("A comparison is followed by a pause that is longer by far than it took")
  func pause() throws {
    let service = try service()
    let opposite = try SmallModels.live("a", name: "b", scale: -1, plan: Self.plan)
    let canary = try canary(service, opposite, pause: 1_000_000_000)
    service.pool.traffic.begin(canary)
    for _ in 0..<2 * CanaryLimits.comparisonMinimum { #expect(try serve(service) == "b") }
    #expect(canary.status.counts.comparisons == 1)
  }

  @Test("When a canary ends by itself under load, every request is answered")
  func underLoad() throws {
    let plan = CPUPlan(workers: 2, threads: 2, maxBatch: 4)
    let service = try service(plan)
    let (model, trigger) = try SmallModels.overflowing("a", name: "b")
    let live = try CompiledModel(model, plan: plan)
    let harmless = model.goldenSamples[0].encodedImage
    let former = Mutex<[WeakDeployment]>([])
    let isDone = Atomic(false)
    let areStarted = WorkerThread.runSideBySide(4) { thread in
      do {
        if thread == 0 {
          defer { isDone.store(true, ordering: .relaxed) }
          for _ in 0..<10 {
            let canary = try canary(service, live)
            former.withLock { $0.append(WeakDeployment(canary.deployment)) }
            service.pool.traffic.begin(canary)
            #expect(eventually { service.pool.traffic.canary == nil })
          }
          return
        }
        var number = thread
        while !isDone.load(ordering: .relaxed) {
          number += 1
          let name = try serve(service, number % 4 == 0 ? trigger : harmless)
          #expect(name == "a" || number % 4 != 0)
        }
      } catch {
        Issue.record("\(error)")
      }
    }
    #expect(areStarted)
    #expect(service.pool.traffic.lastEnd?.reason == .notFinite)
    for deployment in former.withLock(\.self) { #expect(eventually { deployment.value == nil }) }
  }
}
