import Checkpoint
import Engine
import Foundation
import HTTPCore
import Imaging
import Inference
import Machine
import ResNet
import Serving
import Testing

/// Features beside the classes of an answer.
@Suite struct FeatureAnswerTests {
  private static let plan = CPUPlan(workers: 1, threads: 1, maxBatch: 4)
  /// Channels of the small models' last stage.
  private static let count = 64

  private func service(
    limits: ServingLimits = ServingLimits(), memory: MemoryBudget = MemoryBudget(byteCount: 1 << 46)
  ) throws -> TestService {
    try TestService(
      limits: limits, first: SmallModels.live("a", plan: Self.plan), memory: memory)
  }

  /// A model whose classes are means of a map.
  private func featureless(_ mark: String) throws -> CompiledModel {
    var graph = Graph(input: FeatureShape(channels: 3, height: 32, width: 32))
    let convolution = Convolution(outputChannels: 10, kernel: Extent(3))
    graph.append("classes", .convolution(convolution), 0)
    graph.append("pool", .globalAveragePool, 1)
    let plain = try SmallModels.model(mark)
    let model = try Model(
      name: mark, graph: graph, weights: .random(for: graph),
      Model.Contents(labels: plain.labels, preprocessing: plain.preprocessing))
    return try CompiledModel(model, plan: Self.plan)
  }

  private func numbers(_ item: [String: Any]) throws -> [Float] {
    try #require(item["features"] as? [NSNumber]).map(\.floatValue)
  }

  private func list(_ images: [[UInt8]]) throws -> [UInt8] {
    let texts = images.map { #""\#(Data($0).base64EncodedString())""# }
    return Array(#"{"images": [\#(texts.joined(separator: ","))]}"#.utf8)
  }

  private static let json = [("Content-Type", "application/json")]

  @Test("They are the network's own, to the last bit, and the answer says how many there are")
  func features() throws {
    let service = try service()
    let image = try goldenImage().encodedImage
    let answer = try service.wait(for: "/classify?features=1&top_k=10", body: image).json()
    let model = try #require(answer["model"] as? [String: Any])
    #expect(model["feature_count"] as? Int == Self.count)
    let features = try numbers(answer)
    #expect(features.count == Self.count && Set(features).count > 1)
    // The logits of these features are those that the probabilities come from.
    let weights = try SmallModels.model("a").weights
    let (matrix, bias) = (
      try #require(weights["fc.weight"]).values, try #require(weights["fc.bias"]).values
    )
    let logits = bias.indices.map { row in
      features.indices.reduce(Double(bias[row])) {
        $0 + Double(matrix[row * Self.count + $1]) * Double(features[$1])
      }
    }
    let sum = logits.map(exp).reduce(0, +)
    let predictions = try #require(answer["predictions"] as? [[String: Any]])
    #expect(predictions.count == 10)
    for prediction in predictions {
      let index = try #require(prediction["class"] as? Int)
      let probability = try #require(prediction["probability"] as? Double)
      #expect(abs(probability - exp(logits[index]) / sum) < 1e-5)
    }
    // Text that gives the same numbers again.
    let again = try service.wait(for: "/classify?features=1&top_k=10", body: image).json()
    #expect(try numbers(again) == features)
  }

  @Test(
    "A request that does not ask is answered as if there were none", arguments: ["", "?features=0"])
  func without(query: String) throws {
    let answer = try service().wait(
      for: "/classify" + query, body: goldenImage().encodedImage)
    let text = String(decoding: answer.body, as: UTF8.self)
    #expect(text.hasPrefix(#"{"model":{"name":"a","version":""#))
    #expect(text.contains(#""},"predictions":[{"class":"#) && text.hasSuffix("}]}\n"))
    #expect(!text.contains("feature"))
  }

  @Test("Each image of a list has its own, one that cannot be read has none")
  func lists() throws {
    let service = try service()
    let images = try (0..<3).map { try goldenImage($0).encodedImage }
    let body = try list([images[0], [1, 2, 3], images[1], images[2]])
    let answer = try service.wait(for: "/classify?features=1", Self.json, body: body).json()
    let results = try #require(answer["results"] as? [[String: Any]])
    #expect(results.count == 4)
    #expect(results[1]["error"] != nil && results[1]["features"] == nil)
    for (place, image) in [(0, 0), (2, 1), (3, 2)] {
      let alone = try service.wait(for: "/classify?features=1", body: images[image]).json()
      let (found, expected) = (try numbers(results[place]), try numbers(alone))
      let largest = try #require(expected.map(abs).max())
      for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-5 * largest) }
      #expect(found.count == Self.count)
    }
  }

  @Test(
    "A value that means neither yes nor no is refused", arguments: ["", "yes", "2", "1&features=1"])
  func values(text: String) throws {
    let answer = try service().wait(for: "/classify?features=\(text)", body: [1])
    #expect(answer.status == 400)
    #expect(try answer.problemKind() == "invalid-parameter")
  }

  @Test("A model without features says why it has none, before the image is looked at")
  func refusal() throws {
    let service = try TestService(first: featureless("a"))
    let refused = try service.wait(for: "/classify?features=1", body: [1])
    #expect(refused.status == 400)
    #expect(try refused.problemKind() == "invalid-parameter")
    let detail = try #require(try refused.json()["detail"] as? String)
    #expect(detail.contains("outputs come from pool") && detail.hasSuffix("leave it out"))
    #expect(try service.wait(for: "/classify", body: goldenImage().encodedImage).status == 200)
  }

  @Test("A canary without features leaves such requests to the live model")
  func canary() throws {
    let service = try service()
    let rules = CanaryRules(percent: try #require(CanaryPercent(100)))
    service.pool.traffic.begin(
      Canary(
        try service.deployment(featureless("b")), beside: service.pool.live, rules: rules,
        by: "a test", onEnd: { _ in }))
    let image = try goldenImage().encodedImage
    func name(_ query: String) throws -> String? {
      let answer = try service.wait(for: "/classify" + query, body: image).json()
      return (answer["model"] as? [String: Any])?["name"] as? String
    }
    #expect(try name("") == "b")
    #expect(try name("?features=1") == "a")
    let explicit = try service.wait(
      for: "/classify?features=1", [("X-Resnetd-Canary", "always")], body: image)
    #expect(explicit.status == 400)
  }

  @Test(
    "More features than an answer may have are refused with the number of images that may be sent")
  func limit() throws {
    var limits = ServingLimits()
    limits.requestFeatureLimit = 2 * Self.count
    let service = try service(limits: limits)
    let image = try goldenImage().encodedImage
    let two = try list([image, image])
    let three = try list([image, image, image])
    #expect(try service.wait(for: "/classify?features=1", Self.json, body: two).status == 200)
    #expect(try service.wait(for: "/classify", Self.json, body: three).status == 200)
    let refused = try service.wait(for: "/classify?features=1", Self.json, body: three)
    #expect(refused.status == 413)
    #expect(try refused.problemKind() == "too-many-images")
    #expect(String(decoding: refused.body, as: UTF8.self).contains("may have 2 images"))
  }

  @Test("Their memory is reserved, and given back with the answer")
  func memory() throws {
    let memory = MemoryBudget(byteCount: 1 << 20)
    let service = try service(memory: memory)
    let image = try goldenImage().encodedImage
    do {
      let others = memory.reserve(memory.freeByteCount - image.count - 1024, use: .models)
      #expect(others != nil)
      #expect(try service.wait(for: "/classify", body: image).status == 200)
      let refused = try service.wait(for: "/classify?features=1", body: image)
      #expect(refused.status == 503)
      #expect(try refused.problemKind() == "overloaded")
    }
    // Buffers of bodies may be kept, reservations for features may not.
    let usual = memory.usedByteCount
    for _ in 0..<20 {
      #expect(try service.wait(for: "/classify?features=1", body: image).status == 200)
    }
    #expect(eventually { memory.usedByteCount <= usual + 36 * Self.count })
  }
}
