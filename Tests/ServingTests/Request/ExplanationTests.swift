import Checkpoint
import Foundation
import HTTPCore
import Imaging
import Inference
import JSON
import Machine
import ResNet
import Serving
import Testing

/// Class activation maps beside the classes of an answer.
@Suite struct ExplanationTests {
  private static let plan = CPUPlan(workers: 1, threads: 1, maxBatch: 4)
  /// Side of the small models' last map.
  private static let side = 8

  private func service(limits: ServingLimits = ServingLimits()) throws -> TestService {
    try TestService(limits: limits, first: SmallModels.live("a", plan: Self.plan))
  }

  private func maps(_ item: [String: Any]) throws -> [Int: [[Double]]] {
    let predictions = try #require(item["predictions"] as? [[String: Any]])
    var maps: [Int: [[Double]]] = [:]
    for prediction in predictions {
      maps[try #require(prediction["class"] as? Int)] = try #require(
        prediction["cam"] as? [[Double]])
    }
    return maps
  }

  @Test("The mean of a class's map and the bias are the logit that its probability comes from")
  func means() throws {
    let image = try goldenImage().encodedImage
    let answer = try service().wait(for: "/classify?explain=cam&top_k=10", body: image).json()
    let maps = try maps(answer)
    let bias = try #require(try SmallModels.model("a").weights["fc.bias"]).values
    let logits = try bias.indices.map { label in
      let map = try #require(maps[label])
      #expect(map.count == Self.side && map.allSatisfy { $0.count == Self.side })
      return map.joined().reduce(0, +) / Double(Self.side * Self.side) + Double(bias[label])
    }
    let sum = logits.map(exp).reduce(0, +)
    for prediction in try #require(answer["predictions"] as? [[String: Any]]) {
      let (label, probability) = (
        try #require(prediction["class"] as? Int),
        try #require(prediction["probability"] as? Double)
      )
      #expect(abs(probability - exp(logits[label]) / sum) < 1e-5)
    }
    // A map shows places: it is not the same everywhere.
    #expect(Set(try #require(maps[0]).joined()).count > 1)
  }

  @Test("In a list each image has its own, in a form and in JSON it is asked for by name")
  func lists() throws {
    let service = try service()
    let images = try (0..<2).map { try goldenImage($0).encodedImage }
    let texts = (images + [[1, 2, 3]]).map { #""\#(Data($0).base64EncodedString())""# }
    let body = Array(
      #"{"images": [\#(texts.joined(separator: ","))], "top_k": 2, "explain": "cam"}"#.utf8)
    let answer = try service.wait(
      for: "/classify", [("Content-Type", "application/json")], body: body
    ).json()
    let results = try #require(answer["results"] as? [[String: Any]])
    #expect(results[2]["error"] != nil)
    for (result, image) in zip(results, images) {
      let alone = try service.wait(for: "/classify?explain=cam&top_k=2", body: image).json()
      let (found, expected) = (try maps(result), try maps(alone))
      #expect(found.keys == expected.keys && found.count == 2)
      for (label, map) in found {
        for (a, b) in zip(map.joined(), try #require(expected[label]).joined()) {
          #expect(abs(a - b) < 1e-4)
        }
      }
    }
  }

  @Test("A request that does not ask is answered without maps")
  func without() throws {
    let answer = try service().wait(for: "/classify", body: goldenImage().encodedImage)
    #expect(!String(decoding: answer.body, as: UTF8.self).contains("cam"))
  }

  @Test(
    "Another way of explaining is refused with the one that there is", arguments: ["", "lime", "1"])
  func values(text: String) throws {
    let answer = try service().wait(for: "/classify?explain=\(text)", body: [1])
    #expect(answer.status == 400)
    #expect(try #require(try answer.json()["detail"] as? String).hasPrefix("explain is cam, "))
  }

  @Test("A model whose classes are no averages over a map says so")
  func refusal() throws {
    let (graph, hidden, layer) = try Graph(#require(Architecture.cifar(depth: 8, classCount: 10)))
      .withHead(hidden: 6, outputs: 10)
    #expect((hidden, layer) == ("fc.0", "fc.2"))
    let plain = try SmallModels.model("a")
    let model = try Model(
      name: "a", graph: graph, weights: .random(for: graph),
      Model.Contents(labels: plain.labels, preprocessing: plain.preprocessing))
    let service = try TestService(first: CompiledModel(model, plan: Self.plan))
    let refused = try service.wait(for: "/classify?explain=cam", body: [1])
    #expect(refused.status == 400)
    let detail = try #require(try refused.json()["detail"] as? String)
    #expect(detail.contains("its last layer reads fc.1") && detail.hasSuffix("leave it out"))
  }

  @Test("More numbers than an answer may have are refused with what may be sent")
  func limit() throws {
    var limits = ServingLimits()
    limits.requestFeatureLimit = 2 * Self.side * Self.side
    let service = try service(limits: limits)
    let image = try goldenImage().encodedImage
    let served = try service.wait(for: "/classify?explain=cam&top_k=2", body: image)
    #expect(served.status == 200)
    let refused = try service.wait(for: "/classify?explain=cam&top_k=3", body: image)
    #expect(refused.status == 413)
    #expect(try #require(try refused.json()["detail"] as? String).contains("a smaller top_k"))
  }

  @Test("More classes than the answer to a request may have are refused with what may be sent")
  func classLimit() throws {
    var limits = ServingLimits()
    limits.requestClassLimit = 19
    let service = try service(limits: limits)
    let text = Data(try goldenImage().encodedImage).base64EncodedString()
    func status(_ count: Int, _ topK: Int) throws -> Response {
      let images = [String](repeating: "\"\(text)\"", count: count).joined(separator: ",")
      return try service.wait(
        for: "/classify?top_k=\(topK)", [("Content-Type", "application/json")],
        body: Array("{\"images\": [\(images)]}".utf8))
    }
    #expect(try status(2, 9).status == 200)
    let refused = try status(2, 10)
    #expect(refused.status == 413)
    #expect(
      try #require(try refused.json()["detail"] as? String).hasPrefix("2 images with 10 classes"))
  }

  @Test("A single output speaks for the second of two labels and against the first")
  func singleOutput() throws {
    let small = try SmallModels.model(
      "a", classCount: 1, output: OutputRule(activation: .sigmoid), labels: ["no", "yes"])
    let service = try TestService(first: CompiledModel(small, plan: Self.plan))
    let answer = try service.wait(
      for: "/classify?explain=cam&top_k=2", body: goldenImage().encodedImage
    ).json()
    let maps = try maps(answer)
    let (no, yes) = (try #require(maps[0]), try #require(maps[1]))
    for (a, b) in zip(no.joined(), yes.joined()) { #expect(a == -b) }
  }
}
