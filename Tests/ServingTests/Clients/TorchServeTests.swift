import Checkpoint
import Foundation
import HTTPCore
import Inference
import Serving
import Testing

@Suite struct TorchServeTests {
  private static let path = "/predictions/\(InferenceMessages.name)"

  @Test(
    "An image's five best classes are an object of numbers by label", arguments: ["POST", "PUT"])
  func predictions(method: String) async throws {
    let service = try TestService()
    let image = try goldenImage().encodedImage
    let found = await service.answer(try Request(method, Self.path, body: image))
    let numbers = try #require(try found.json() as? [String: NSNumber])
    let wanted = await service.answer(try Request("POST", "/classify", body: image))
    let predictions = try #require(try wanted.json()["predictions"] as? [[String: Any]])
    #expect(numbers.count == 5)
    for prediction in predictions {
      let label = try #require(prediction["label"] as? String)
      #expect(numbers[label] == prediction["probability"] as? NSNumber)
    }
    // In order, which a dictionary loses.
    let text = String(decoding: found.body, as: UTF8.self)
    let best = try #require(predictions.first?["label"] as? String)
    #expect(text.hasPrefix(#"{"\#(best)":"#))
  }

  @Test("Labels that several classes have are told apart, from others of such names too")
  func sameLabels() async throws {
    let labels = ["b", "b (class 2)", "b"] + (3..<10).map { "c\($0)" }
    let model = try SmallModels.model("a", labels: labels)
    let service = try TestService(
      first: CompiledModel(model, plan: CPUPlan(workers: 1, threads: 1, maxBatch: 1)))
    let found = await service.answer(
      try Request("POST", "/predictions/a?top_k=10", body: goldenImage().encodedImage))
    #expect(try #require(try found.json() as? [String: NSNumber]).count == 10)
  }

  @Test("It takes one image, of the model in the path, and no features")
  func refusals() async throws {
    let service = try TestService()
    let image = Data(try goldenImage().encodedImage).base64EncodedString()
    let two = Array(#"{"images": ["\#(image)", "\#(image)"]}"#.utf8)
    for (target, body, status, kind) in [
      (Self.path, two, 413, "too-many-images"), (Self.path, [], 400, "malformed-body"),
      ("/predictions/other", [1], 404, "unknown-model"),
      (Self.path + "/1.0", [1], 404, "unknown-model"),
      (Self.path + "?features=1", [1], 400, "invalid-parameter"),
    ] {
      let response = await service.answer(try Request("POST", target, body: body))
      #expect(response.status == status, "\(target)")
      #expect(try response.problemKind() == kind)
    }
    let ping = await service.answer(try Request("GET", "/ping"))
    #expect(try ping.json()["status"] as? String == "Healthy")
  }
}
