import Checkpoint
import Foundation
import HTTPCore
import Inference
import Serving
import Telemetry
import Testing

@Suite struct ModelDescriptionTests {
  @Test("The live model describes itself, and says when nothing has changed")
  func description() async throws {
    var rule = OutputRule()
    rule.displayNames = ["a": "Aleph"]
    let model = try SmallModels.model(
      "m", classCount: 3, output: rule, labels: ["a", "b", "a"])
    let service = try TestService(
      first: CompiledModel(model, plan: CPUPlan(workers: 1, threads: 1, maxBatch: 2)))
    let response = await service.answer(try Request("GET", "/model"))
    let document = try response.json()
    #expect(document["name"] as? String == "m")
    #expect(document["digest"] as? String == "sha256:\(model.version.hex)")
    #expect(document["labels"] as? [String] == ["a", "b", "a"])
    #expect(document["display_names"] as? [String: String] == ["a": "Aleph"])
    #expect(document["input"] as? [String: Int] == ["channels": 3, "height": 32, "width": 32])
    #expect(document["answers"] as? String == "probability")
    #expect(document["feature_count"] as? Int == 64)
    func sorted(_ contract: Any) throws -> Data {
      try JSONSerialization.data(withJSONObject: contract, options: .sortedKeys)
    }
    let printed = Contract.text(of: model.preprocessing, model.output)
    let wanted = try JSONSerialization.jsonObject(with: Data(printed.utf8))
    #expect(try sorted(#require(document["contract"])) == sorted(wanted))

    let tag = try #require(response.fields["ETag"])
    #expect(response.fields["Cache-Control"] == "no-cache")
    for condition in [tag, "W/\(tag)", #""x", \#(tag)"#, "*"] {
      let known = await service.answer(
        try Request("GET", "/model", [("If-None-Match", condition)]))
      #expect(known.status == 304 && known.body.isEmpty && known.fields["ETag"] == tag)
    }
    let other = await service.answer(try Request("GET", "/model", [("If-None-Match", #""x""#)]))
    #expect(other.status == 200)
    let wrong = await service.answer(try Request("GET", "/model", [("If-None-Match", "x")]))
    #expect(try wrong.problemKind() == "malformed-precondition")
  }

  @Test("Without a model, descriptions are not there yet, and readiness says so")
  func starting() async throws {
    let log = Log(format: .json, descriptor: -1)
    let service = Service(
      limits: ServingLimits(), metrics: ServingMetrics(), accessLog: AccessLog(log))
    for path in ["/model", "/ping"] {
      let response = await answerOf(service, to: try Request("GET", path))
      #expect(response.status == 503 && response.fields["Retry-After"] != nil)
      #expect(try response.problemKind() == "starting")
    }
    let ready = await answerOf(service, to: try Request("GET", "/v2/health/ready"))
    #expect(ready.status == 503 && ready.fields["Retry-After"] != nil)
    #expect(try ready.json()["ready"] as? Bool == false)
    let model = await answerOf(service, to: try Request("GET", "/v2/models/m"))
    #expect(model.status == 503)
    #expect(try !model.inferenceError().isEmpty)
    #expect(await answerOf(service, to: try Request("GET", "/v2/health/live")).status == 200)
  }
}
