import Checkpoint
import Foundation
import HTTPCore
import Inference
import Serving
import Testing

/// Inferences beside a canary, which answers those alone whose path fits it.
@Suite struct InferenceCanaryTests {
  private static let plan = CPUPlan(workers: 1, threads: 1, maxBatch: 2)

  private func service() throws -> TestService {
    try TestService(first: SmallModels.live("a", plan: Self.plan))
  }

  private func begin(_ model: CompiledModel, percent: Double, _ service: TestService) throws {
    let deployment = try service.deployment(model)
    let percent = try #require(CanaryPercent(percent))
    service.pool.traffic.begin(
      Canary(
        deployment, beside: service.pool.live,
        rules: CanaryRules(percent: percent, obeysHeader: true), by: "a test"
      ) { _ in })
  }

  /// Returns the versions that answered.
  private func versions(
    _ service: TestService, _ image: [UInt8], version: String = "", count: Int = 4
  ) throws -> [String] {
    let path = "/v2/models/a" + (version.isEmpty ? "" : "/versions/\(version)") + "/infer"
    return try (0..<count).map { _ in
      let response = try service.wait(for: path, body: InferenceMessages.base64([image]))
      #expect(response.status == 200, "\(String(decoding: response.body, as: UTF8.self))")
      return try #require(try response.json()["model_version"] as? String)
    }
  }

  @Test("A canary of the same name has its share, but not of paths with the live version")
  func share() throws {
    let service = try service()
    let image = try goldenImage().encodedImage
    let other = try SmallModels.live("b", name: "a", plan: Self.plan)
    try begin(other, percent: 50, service)
    let live = service.pool.live.model.version
    let found = try versions(service, image)
    #expect(found.count { $0 == other.version.short } == 2)
    #expect(try Set(versions(service, image, version: live.hex)) == [live.short])

    let foreign = try SmallModels.live("c", plan: Self.plan)
    try begin(foreign, percent: 100, service)
    #expect(try Set(versions(service, image)) == [live.short])
  }

  @Test("What a canary fails the live model answers")
  func failure() throws {
    let service = try service()
    let (model, trigger) = try SmallModels.overflowing("b", name: "a")
    try begin(CompiledModel(model, plan: Self.plan), percent: 100, service)
    let live = service.pool.live.model.version.short
    #expect(try versions(service, trigger, count: 1) == [live])
    #expect(service.pool.traffic.lastEnd?.reason == .notFinite)
  }
}
