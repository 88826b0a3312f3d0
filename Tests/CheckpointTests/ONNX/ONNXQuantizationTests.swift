import Checkpoint
import Engine
import Foundation
import Imaging
import ResNet
import Testing

/// Networks of Fixtures/make-onnx-quantized.py, quantised and run by ONNX Runtime.
@Suite struct ONNXQuantizationTests {
  private struct Answer: Decodable {
    let logits: [Float]
    /// Weights of the first convolution with integer weights; empty if the graph computes them
    /// itself.
    let weights: [Float]
    let floatingPoint: [String]

    private enum CodingKeys: String, CodingKey {
      case logits, weights
      case floatingPoint = "floating_point"
    }
  }

  /// Share of the largest logit: ONNX Runtime rounds the logits, and every sum before it is added.
  private static let tolerance: Float = 2e-2

  static let names =
    [
      "qdq-unsigned-11", "qdq-signed-13", "qdq-symmetric-17", "qdq-contributed-13",
      "qdq-part-13", "qdq-keras-17", "qop-signed-13", "qop-unsigned-11", "qdq-gelu-17",
      "qop-gelu-17",
    ] + clipped

  /// Those whose ReLU6 and Hardtanh the file leaves to its integers.
  static let clipped = [
    "qdq-clipped-unsigned-13", "qdq-clipped-signed-13", "qop-clipped-unsigned-13",
    "qop-clipped-signed-13",
  ]

  private static func answer(_ name: String) throws -> Answer {
    let answers = try JSONDecoder().decode(
      [String: Answer].self, from: Data(try Fixtures.bytes("onnx-quantized.json")))
    return try #require(answers[name])
  }

  private static func model(_ name: String) throws -> Model {
    try Model.load(
      path: Fixtures.path("\(name).onnx"), options: ModelOptions(labels: ["a", "b", "c", "d", "e"]))
  }

  private static func logits(
    of model: Model, _ precision: Precision, batch: Int = 1
  ) throws -> [Float] {
    var options = CompilationOptions()
    options.batchSizes = [batch]
    options.precision = precision
    options.calibration = model.calibration
    let network = try CompiledNetwork(model.graph, model.weights, options: options)
    let context = try ExecutionContext(network)
    let count = network.inputShape.elementCount
    let image = (0..<count * batch).map { Float($0 % count * 7919 % 257) / 128 - 1 }
    var logits = [Float](repeating: .nan, count: batch * network.outputCount)
    var span = logits.mutableSpan
    try context.run(imageCount: batch, input: image.span, logits: &span)
    return logits
  }

  @Test(
    "A quantised network gives ONNX Runtime's logits as int8, and near them in any precision",
    arguments: names, Precision.allCases.filter(\.isSupported))
  func parity(name: String, precision: Precision) throws {
    let answer = try Self.answer(name)
    let model = try Self.model(name)
    let largest = try #require(answer.logits.map(abs).max())
    for (a, b) in zip(try Self.logits(of: model, precision), answer.logits) {
      #expect(abs(a - b) <= Self.tolerance * largest, "\(abs(a - b) / largest)")
    }
    let both = try Self.logits(of: model, precision, batch: 2)
    #expect(both.prefix(5).elementsEqual(both.suffix(5)))
  }

  @Test("Weights alone may be integers: the network then runs in floating point")
  func weightsOnly() throws {
    let answer = try Self.answer("qdq-weights-17")
    let model = try Self.model("qdq-weights-17")
    #expect(model.calibration == nil)
    let largest = try #require(answer.logits.map(abs).max())
    for (a, b) in zip(try Self.logits(of: model, .fp32), answer.logits) {
      #expect(abs(a - b) <= 1e-4 * largest)
    }
  }

  @Test(
    "Weights are the integers of the file times their scales, exactly",
    arguments: names + ["qdq-weights-17"])
  func weights(name: String) throws {
    let answer = try Self.answer(name)
    let model = try Self.model(name)
    let found = model.weights.names.compactMap { model.weights[$0]?.values }
    if !answer.weights.isEmpty { #expect(found.contains(answer.weights)) }
  }

  @Test(
    "The file's scales become ranges, and layers whose weights it leaves alone stay as they are")
  func ranges() throws {
    for name in Self.names {
      let model = try Self.model(name)
      let calibration = try #require(model.calibration)
      #expect(calibration.method == "from the file's QuantizeLinear nodes (onnx.quantize)")
      let layers = model.graph.nodes.filter { calibration.floatingPoint?.contains($0.name) == true }
      #expect(layers.count == (try Self.answer(name).floatingPoint.count))
      #expect(layers.count == calibration.floatingPoint?.count)
      let names = Set(model.graph.nodes.map(\.name))
      #expect(names.isSuperset(of: calibration.ranges.keys))
    }
    let part = try #require(try Self.model("qdq-part-13").calibration)
    #expect(part.floatingPoint?.contains("fc") == true && part.ranges["input"] == nil)
    #expect(try Self.model("qdq-signed-13").calibration?.ranges["input"] != nil)
  }

  @Test("A rectification that the file leaves to its integers is one of the network")
  func rectifications() throws {
    func count(_ name: String) throws -> Int {
      let nodes = try Self.model(name).graph.nodes
      return nodes.count { node in
        guard node.operation.clippingBounds?.lower == 0 else { return false }
        let source = nodes[node.inputs[0]].operation
        return source != .globalAveragePool && source.clippingBounds?.lower != 0
      }
    }
    #expect(try count("qdq-unsigned-11") >= count("basic-11"))
    #expect(try count("qdq-symmetric-17") >= count("basic-17"))
  }

  @Test("Bounds that the file leaves to its integers are the network's", arguments: clipped)
  func bounds(name: String) throws {
    let bounds = try Self.model(name).graph.nodes.compactMap(\.operation.clippingBounds)
    for expected in [Bounds(0, 1.5), Bounds(-0.5, 1), Bounds(-1, 1.25)] {
      // A step of the file's.
      #expect(
        bounds.contains {
          abs($0.lower - expected.lower) < 0.01 && abs($0.upper - expected.upper) < 0.01
        }, "\(expected)")
    }
  }

  @Test(
    "They are those of the ONNX file and of the native file that are made of it", arguments: clipped
  )
  func converted(name: String) throws {
    let model = try Self.model(name)
    let expected = try Self.logits(of: model, .fp32)
    let options = ModelOptions(labels: ["a", "b", "c", "d", "e"])
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-clipped-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    for ending in ["onnx", "safetensors"] {
      let path = folder.appendingPathComponent("made.\(ending)").path
      if ending == "onnx" {
        try model.writeONNX(to: path, programVersion: "1")
      } else {
        try model.write(to: path)
      }
      let made = try Model.load(path: path, options: ending == "onnx" ? options : ModelOptions())
      #expect(made.graph.nodes.count { $0.operation.clippingBounds != nil } > 3)
      for (a, b) in zip(try Self.logits(of: made, .fp32), expected) {
        #expect(abs(a - b) <= 1e-5 * max(1, abs(b)))
      }
    }
  }

  @Test("What the file rounds or clips and this program does not is told")
  func leftOut() throws {
    for name in Self.names where name != "qdq-keras-17" && name != "qdq-part-13" {
      let warnings = try Self.model(name).warnings
      #expect(warnings.contains { $0.contains("the file clips outputs") }, "\(name)")
      #expect(
        warnings.contains { $0.contains("parts of a GELU (3 times)") } == name.contains("gelu"))
    }
    #expect(try Self.model("basic-13").warnings.isEmpty)
  }

  @Test("A GELU in parts is one whatever stands between them")
  func functionsInParts() throws {
    let answer = try Self.answer("half-gelu-17")
    let model = try Self.model("half-gelu-17")
    #expect(model.graph.nodes.count { $0.operation == .elementwise(.gelu) } == 3)
    #expect(
      try Self.model("qdq-gelu-17").graph.nodes.count { $0.operation == .elementwise(.gelu) } == 3)
    let largest = try #require(answer.logits.map(abs).max())
    for (a, b) in zip(try Self.logits(of: model, .fp32), answer.logits) {
      #expect(abs(a - b) <= 5e-3 * largest)
    }
    #expect(model.warnings.contains { $0.contains("parts of a GELU (3 times)") })
  }

  @Test("A quantised file with a changed byte loads and compiles, or is refused")
  func changedBytes() throws {
    let bytes = try Fixtures.bytes("qdq-signed-13.onnx")
    for index in stride(from: 0, to: bytes.count, by: 61) {
      var changed = bytes
      changed[index] ^= 0xA5
      do {
        var options = ModelOptions()
        options.numbersClasses = true
        let model = try Model.load(bytes: changed, fileName: "changed.onnx", options: options)
        var compilation = CompilationOptions()
        compilation.precision = model.calibration == nil ? .fp32 : .int8
        compilation.calibration = model.calibration
        _ = try CompiledNetwork(model.graph, model.weights, options: compilation)
      } catch let error as CheckpointError {
        #expect(!error.description.isEmpty)
      } catch let error as EngineError {
        #expect(!error.description.isEmpty)
      }
    }
  }
}
