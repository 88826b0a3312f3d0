import Checkpoint
import Decoding
import Foundation
import HTTPCore
import Inference
import Serving
import Testing

/// Answers of models whose outputs are not a softmax over the classes.
@Suite struct OutputAnswerTests {
  private func service(
    _ output: OutputRule, classCount: Int = 3, labels: [String]
  ) throws -> TestService {
    let model = try SmallModels.model("m", classCount: classCount, output: output, labels: labels)
    return try TestService(
      first: CompiledModel(model, plan: CPUPlan(workers: 1, threads: 1, maxBatch: 2)))
  }

  private func answer(_ service: TestService, _ query: String = "") throws -> [String: Any] {
    try service.wait(for: "/classify" + query, body: goldenImage().encodedImage).json()
  }

  private func predictions(_ answer: [String: Any]) throws -> [[String: Any]] {
    try #require(answer["predictions"] as? [[String: Any]])
  }

  /// Returns the network's own outputs for the image.
  private func outputs(_ service: TestService) throws -> [Float] {
    let live = service.pool.live.model
    let classifier = try Classifier(live, limits: ServingLimits().decoding)
    return try classifier.logits(
      goldenImage().encodedImage[...], by: LocalDecoders().makeDecoder(), until: .now + .seconds(60)
    ).get()
  }

  @Test("Independent labels have probabilities of their own, and the answer says so")
  func multiLabel() throws {
    let service = try service(OutputRule(activation: .sigmoid), labels: ["a", "b", "c"])
    let answer = try answer(service)
    #expect((answer["model"] as? [String: Any])?["activation"] as? String == "sigmoid")
    let outputs = try outputs(service)
    #expect(try predictions(answer).count == 3)
    for prediction in try predictions(answer) {
      let index = try #require(prediction["class"] as? Int)
      let wanted = 1 / (1 + exp(-Double(outputs[index])))
      #expect(abs(try #require(prediction["probability"] as? Double) - wanted) < 1e-5)
    }
  }

  @Test("One output is the probability of the second of two labels")
  func pair() throws {
    let service = try service(
      OutputRule(activation: .sigmoid), classCount: 1, labels: ["no", "yes"])
    let found = try predictions(answer(service, "?top_k=2"))
    let output = try #require(try outputs(service).first)
    let yes = try #require(found.first { $0["label"] as? String == "yes" })
    #expect(yes["class"] as? Int == 1)
    let probability = try #require(yes["probability"] as? Double)
    #expect(abs(probability - 1 / (1 + exp(-Double(output)))) < 1e-5)
    let sum = found.compactMap { $0["probability"] as? Double }.reduce(0, +)
    #expect(found.count == 2 && abs(sum - 1) < 1e-6)
    #expect(try service.wait(for: "/classify?top_k=3", body: [1]).status == 400)
  }

  @Test("Scores are named so, and min_probability does not apply to them")
  func scores() throws {
    let service = try service(OutputRule(activation: .none), labels: ["a", "b", "c"])
    let outputs = try outputs(service)
    let found = try predictions(answer(service))
    #expect(found.count == 3 && found.allSatisfy { $0["probability"] == nil })
    for prediction in found {
      let index = try #require(prediction["class"] as? Int)
      #expect(abs(try #require(prediction["score"] as? Double) - Double(outputs[index])) < 1e-5)
    }
    let refused = try service.wait(
      for: "/classify?min_probability=0.5", body: goldenImage().encodedImage)
    #expect(refused.status == 400)
    #expect(try refused.problemKind() == "invalid-parameter")
  }

  @Test("Below the threshold an answer is unsure; people see the names that the model has for them")
  func threshold() throws {
    var rule = OutputRule()
    rule.threshold = 1
    rule.displayNames = ["a": "Aleph"]
    let unsure = try answer(service(rule, labels: ["a", "b", "c"]))
    #expect(unsure["unsure"] as? Bool == true)
    let named = try predictions(unsure).filter { $0["display_name"] as? String == "Aleph" }
    #expect(named.count == 1 && named.first?["label"] as? String == "a")
    rule.threshold = 0
    #expect(try answer(service(rule, labels: ["a", "b", "c"]))["unsure"] as? Bool == false)
    #expect(try answer(service(OutputRule(), labels: ["a", "b", "c"]))["unsure"] == nil)
  }
}
