import Checkpoint
import Engine
import Foundation
import HostileFiles
import Imaging
import ResNet
import Testing

/// Networks of Fixtures/make-onnx*.py, with the logits of ONNX Runtime, PyTorch and Keras.
@Suite struct ONNXFileTests {
  private struct Answer: Decodable {
    let size: Int
    let logits: [Float]
  }

  /// Tolerance as a share of the largest logit.
  private static let tolerance: Float = 1e-4
  private static let classNames = ["a", "b", "c", "d", "e"]

  private static func contract(size: Int) throws -> Preprocessing {
    try Contract.read(
      #"{"resize": {"rule": "exact", "height": \#(size), "width": \#(size), "filter": "bicubic"}, "#
        + #""crop": {"rule": "none"}, "mean": [0, 0, 0], "std": [1, 1, 1]}"#
    ).preprocessing
  }

  private static func image(size: Int) -> [Float] {
    (0..<3 * size * size).map { Float($0 * 7919 % 257) / 128 - 1 }
  }

  private static func logits(
    of model: Model, size: Int, _ options: CompilationOptions = CompilationOptions()
  ) throws -> [Float] {
    let network = try CompiledNetwork(model.graph, model.weights, options: options)
    let context = try ExecutionContext(network)
    let image = image(size: size)
    var logits = [Float](repeating: .nan, count: network.outputCount)
    var span = logits.mutableSpan
    try context.run(imageCount: 1, input: image.span, logits: &span)
    return logits
  }

  @Test(
    "An ONNX network gives the logits of the program it is from, within 1e-4 of the largest",
    arguments: [
      ("basic-11", "onnx"), ("basic-13", "onnx"), ("basic-17", "onnx"), ("view-11", "onnx"),
      ("bottleneck-13", "onnx"), ("keras-17", "onnx"), ("half-13", "onnx"), ("double-13", "onnx"),
      ("excited-9", "onnx"), ("excited-14", "onnx"), ("lopsided-11", "onnx"),
      ("padded-13", "onnx"), ("tensorflow-13", "onnx"), ("selected-9", "onnx"),
      ("selected-13", "onnx"),
      ("torch-11-folded", "onnx-torch"), ("torch-13", "onnx-torch"),
      ("torch-17-folded", "onnx-torch"), ("responding-11", "onnx-torch"),
      ("responding-17", "onnx-torch"),
      ("timm-d", "onnx-timm"), ("timm-se", "onnx-timm"), ("timm-silu", "onnx-timm"),
      ("timm-v2", "onnx-timm"), ("timm-eca", "onnx-timm"), ("keras-v1", "onnx-keras"),
      ("keras-v2", "onnx-keras"), ("heads-11", "onnx-heads"), ("heads-17", "onnx-heads"),
      ("heads-18", "onnx-heads"), ("functions-17", "onnx-operators"),
      ("functions-20", "onnx-operators"), ("normalized-17", "onnx-operators"),
      ("normalized-21", "onnx-operators"), ("rearranged-13", "onnx-operators"),
      ("bordered-19", "onnx-operators"), ("bounded-13", "onnx-operators"),
      ("embedded-13", "onnx-operators"), ("embedded-18", "onnx-operators"),
      ("raised-17", "onnx-operators"), ("resized-13", "onnx-operators"),
      ("resized-modes-13", "onnx-operators"), ("swished-24", "onnx-operators"),
      ("chosen-18", "onnx-operators"), ("averaged-17", "onnx-operators"),
    ])
  func parity(name: String, reference: String) throws {
    let answers = try JSONDecoder().decode(
      [String: Answer].self, from: Data(try Fixtures.bytes("\(reference).json")))
    let answer = try #require(answers[name])
    var options = ModelOptions(labels: Self.classNames)
    options.preprocessing = try Self.contract(size: answer.size)
    let model = try Model.load(path: Fixtures.path("\(name).onnx"), options: options)
    #expect(model.format == .onnx && model.architecture == nil)
    let warnings = ["7 tensors in double precision are narrowed to single precision"]
    #expect(model.warnings == (name == "double-13" ? warnings : []))

    let found = try Self.logits(of: model, size: answer.size)
    let largest = try #require(answer.logits.map(abs).max())
    #expect(found.count == answer.logits.count)
    for (a, b) in zip(found, answer.logits) { #expect(abs(a - b) <= Self.tolerance * largest) }
  }

  @Test(
    "In bf16 and int8 the logits stay near those of single precision",
    arguments: [
      "excited-9", "excited-14", "lopsided-11", "padded-13", "tensorflow-13", "selected-9",
      "selected-13", "timm-d", "timm-se",
      "timm-silu", "timm-eca", "timm-v2", "keras-v1", "keras-v2", "heads-17", "functions-20",
      "normalized-21", "rearranged-13", "resized-13", "resized-modes-13", "embedded-13",
    ], [Precision.bf16, .int8])
  func lowerPrecision(name: String, precision: Precision) throws {
    // EngineTests show that an unsupported precision is refused.
    guard precision.isSupported else { return #expect(!precision.isNative) }
    let tolerance: Float = precision == .bf16 ? 0.03 : 0.1
    let size = GraphDocumentTests.size(of: name)
    var options = ModelOptions(labels: Self.classNames)
    options.preprocessing = try Self.contract(size: size)
    let model = try Model.load(path: Fixtures.path("\(name).onnx"), options: options)
    let image = Self.image(size: size)
    let calibrator = try Calibrator(model.graph, model.weights)
    try calibrator.measure(image.span)
    var compilation = CompilationOptions()
    compilation.precision = precision
    compilation.calibration = Calibration(
      method: "test", ranges: calibrator.ranges(percentile: 100))
    let expected = try Self.logits(of: model, size: size)
    let found = try Self.logits(of: model, size: size, compilation)
    let largest = try #require(expected.map(abs).max())
    for (a, b) in zip(found, expected) {
      #expect(abs(a - b) <= tolerance * largest, "\((a - b) / largest)")
    }
  }

  @Test("Before set 11 a Pad may say minus infinity as an attribute, which a maximum takes in")
  func lowestPadding() throws {
    var (whole, parted) = (ModelFile.classifier, ModelFile.classifier)
    let window = ModelFile.integers("kernel_shape", [3, 3])
    let ring: [Int64] = [1, 1, 1, 1]
    whole.nodes[3] = .init(
      operation: "MaxPool", name: "max", inputs: ["n"], outputs: ["m"],
      attributes: [window, ModelFile.integers("pads", ring)])
    parted.nodes[3] = .init(
      operation: "MaxPool", name: "max", inputs: ["q"], outputs: ["m"], attributes: [window])
    parted.nodes.insert(
      .init(
        operation: "Pad", name: "pad", inputs: ["n"], outputs: ["q"],
        attributes: [
          ModelFile.integers("pads", [0, 0] + ring[..<2] + [0, 0] + ring[2...]),
          ModelFile.number("value", -.infinity),
        ]), at: 3)
    func graph(_ file: ModelFile) throws -> Graph {
      var file = file
      file.opset = 9
      let mean = ModelFile.Node(
        operation: "GlobalAveragePool", name: "pool", inputs: ["m"], outputs: ["p"])
      file.nodes.insert(mean, at: file.nodes.count - 2)
      return try Model.load(bytes: file.bytes, fileName: "made.onnx").graph
    }
    #expect(try graph(parted) == graph(whole))
  }

  @Test("Nodes keep their modules' names, which are in those of the weights")
  func names() throws {
    let model = try Model.load(
      path: Fixtures.path("basic-13.onnx"), options: ModelOptions(labels: Self.classNames))
    #expect(model.name == "basic-13")
    #expect(model.weights["layer2.0.downsample.0.weight"]?.shape == [8, 4, 1, 1])
    #expect(model.weights["layer2.0.bn1.running_var"]?.shape == [8])
    #expect(model.weights["fc.bias"]?.shape == [5])
    #expect(try Set(model.weights.names) == Set(model.graph.parameterShapes().keys))
  }

  @Test(
    "Padding nodes and constants become part of the operations beside them, where they can",
    arguments: [
      ("keras-v1", 0, 6), ("keras-v2", 1, 2), ("padded-13", 3, 0), ("tensorflow-13", 1, 3),
    ])
  func neighbours(name: String, padCount: Int, normalizationCount: Int) throws {
    let model = try Model.load(
      path: Fixtures.path("\(name).onnx"),
      options: ModelOptions(
        labels: Self.classNames,
        preprocessing: try Self.contract(size: name == "padded-13" ? 24 : 32)))
    var (pads, normalizations) = (0, 0)
    for node in model.graph.nodes {
      if case .pad = node.operation { pads += 1 }
      if case .batchNormalization = node.operation { normalizations += 1 }
    }
    #expect(pads == padCount && normalizations == normalizationCount)
  }

  @Test("A sum of several maps becomes sums of two, the last with its name")
  func sums() throws {
    var file = ModelFile.classifier
    file.nodes.insert(
      .init(operation: "Sum", name: "sum", inputs: ["r", "n", "c"], outputs: ["s"]), at: 3)
    file.nodes[4].inputs = ["s"]
    let graph = try Model.load(bytes: file.bytes, fileName: "sum.onnx").graph
    let sums = graph.nodes.filter { $0.operation == .add }
    #expect(sums.map(\.name) == ["sum.1", "sum"])
    #expect(
      sums.map { $0.inputs.map { graph.nodes[$0].name } } == [["relu", "bn"], ["sum.1", "conv"]])
  }

  @Test("Labels, name and preprocessing come from the document in the file's metadata")
  func metadata() throws {
    let model = try Model.load(path: Fixtures.path("half-13.onnx"))
    #expect(model.name == "half" && model.labels == Self.classNames)
    #expect(model.preprocessing.mean == [0.1, 0.2, 0.3])
  }

  @Test("A network without a document needs labels, and takes numbers where these will do")
  func labels() throws {
    let path = Fixtures.path("basic-13.onnx")
    #expect(throws: CheckpointError.labelsMissing(classCount: 5)) { try Model.load(path: path) }
    #expect(throws: CheckpointError.labelCount(labels: 2, classCount: 5)) {
      try Model.load(path: path, options: ModelOptions(labels: ["a", "b"]))
    }
    var options = ModelOptions()
    options.numbersClasses = true
    #expect(try Model.load(path: path, options: options).labels == ["0", "1", "2", "3", "4"])
  }

  @Test(
    "A file without a document takes labels, contract and name of another model with as many classes"
  )
  func completion() throws {
    func options(_ labels: [String]) throws -> ModelOptions {
      var options = ModelOptions()
      options.completion = ModelCompletion(
        labels: labels, preprocessing: try Self.contract(size: 32), name: "other")
      return options
    }
    // This one leaves the images' size open.
    let path = Fixtures.path("view-11.onnx")
    let model = try Model.load(path: path, options: options(Self.classNames))
    #expect(model.isCompleted && model.labels == Self.classNames && model.name == "other")
    #expect(try model.preprocessing == Self.contract(size: 32))
    #expect(throws: CheckpointError.labelsOfAnother(count: 2, classCount: 5)) {
      try Model.load(path: path, options: options(["a", "b"]))
    }
    let whole = try Model.load(path: Fixtures.path("half-13.onnx"), options: options(["a", "b"]))
    #expect(!whole.isCompleted && whole.name == "half" && whole.labels == Self.classNames)
  }

  @Test("A network that leaves the images' size open takes it from a contract, and needs one")
  func openSize() throws {
    let path = Fixtures.path("view-11.onnx")
    #expect(throws: CheckpointError.self) {
      try Model.load(path: path, options: ModelOptions(labels: Self.classNames))
    }
    var options = ModelOptions(labels: Self.classNames)
    options.preprocessing = try Self.contract(size: 32)
    let model = try Model.load(path: path, options: options)
    #expect(model.graph.inputShape == FeatureShape(channels: 3, height: 32, width: 32))
    #expect(!model.isCompleted)
    // The classifier was made for the images' size.
    options.preprocessing = try Self.contract(size: 96)
    #expect(throws: CheckpointError.self) { try Model.load(path: path, options: options) }
  }

  @Test("A contract for another size than the file's is refused")
  func contradiction() throws {
    var options = ModelOptions(labels: Self.classNames)
    options.preprocessing = try Self.contract(size: 64)
    #expect(throws: CheckpointError.self) {
      try Model.load(path: Fixtures.path("basic-13.onnx"), options: options)
    }
  }

  @Test("A safetensors file whose header's length begins like an ONNX file is told apart")
  func recognition() throws {
    let header = "{}" + String(repeating: " ", count: 0x0708 - 2)
    #expect(
      throws: CheckpointError.unsupported(
        "no tensor conv1.weight, as residual networks have; others are read from ONNX files")
    ) {
      try Model.load(bytes: SafetensorsBytes.file(header: header), fileName: "empty.safetensors")
    }
  }

  @Test("Every truncation of a file is refused")
  func truncations() throws {
    let bytes = try Fixtures.bytes("basic-17.onnx")
    for count in stride(from: 1, to: bytes.count - 1, by: 97) {
      #expect(throws: CheckpointError.self) {
        try Model.load(
          bytes: Array(bytes.prefix(count)), fileName: "cut.onnx",
          options: ModelOptions(labels: Self.classNames))
      }
    }
  }
}
