import Checkpoint
import Engine
import Foundation
import Imaging
import ResNet
import Testing

/// Networks without an architecture in native files.
@Suite struct GraphDocumentTests {
  static let size = 8

  static let importedNetworks = [
    "basic-13", "bottleneck-13", "keras-17", "torch-11-folded", "torch-17-folded", "view-11",
    "excited-14", "lopsided-11", "padded-13", "tensorflow-13", "timm-d", "timm-se", "timm-silu",
    "timm-v2", "timm-eca", "keras-v1", "keras-v2", "functions-17", "functions-20",
    "normalized-17", "normalized-21", "rearranged-13", "resized-13", "resized-modes-13",
    "bounded-13", "embedded-13",
  ]

  /// Returns the size of the images that a fixture takes.
  static func size(of name: String) -> Int {
    if name.hasPrefix("timm") { return 35 }
    let small = ["functions", "normalized", "rearranged", "resized", "embedded"]
    if small.contains(where: name.hasPrefix) { return 16 }
    return ["bottleneck-13": 64, "lopsided-11": 29, "padded-13": 24, "bounded-13": 24][name] ?? 32
  }

  private static func contract(size: Int) throws -> Preprocessing {
    try Contract.read(
      #"{"resize": {"rule": "exact", "height": \#(size), "width": \#(size), "filter": "bicubic"}, "#
        + #""crop": {"rule": "none"}, "mean": [0.1, 0, 0], "std": [1, 1, 1]}"#
    ).preprocessing
  }

  /// Operations, each in the middle of a small network, its parameters off their defaults and on
  /// them.
  static let operations: [ResNet.Operation] = {
    var convolution = Convolution(outputChannels: 6, kernel: Extent(height: 3, width: 1))
    convolution.stride = Extent(height: 1, width: 2)
    convolution.padding = Padding(
      before: Extent(height: 2, width: 0), after: Extent(height: 1, width: 3))
    convolution.dilation = Extent(height: 2, width: 1)
    convolution.groups = 2
    convolution.hasBias = true
    var pooling = Pooling(
      window: Extent(height: 3, width: 2), stride: Extent(height: 2, width: 1),
      padding: Padding(Extent(height: 1, width: 0)))
    let plainPooling = Pooling(window: Extent(2), stride: Extent(1))
    pooling.countsPadding = true
    var average = pooling
    average.countsPadding = false
    var linear = Linear(outputs: 7)
    linear.hasBias = false
    let operations: [ResNet.Operation] = [
      .convolution(convolution), .convolution(Convolution(outputChannels: 2, kernel: Extent(1))),
      .batchNormalization(BatchNormalization(epsilon: 1.1e-5)),
      .batchNormalization(BatchNormalization(epsilon: .leastNonzeroMagnitude)), .relu,
      .elementwise(.sigmoid), .elementwise(.hardSigmoid(alpha: 1.0 / 6, beta: -0.5)),
      .elementwise(.clip(minimum: 0, maximum: 6)),
      .elementwise(.clip(minimum: -.infinity, maximum: .infinity)),
      .elementwise(.clip(minimum: -.greatestFiniteMagnitude, maximum: .pi)), .add, .multiply,
      .maxPool(pooling), .maxPool(plainPooling), .averagePool(pooling), .averagePool(average),
      .averagePool(plainPooling), .pad(Padding(1)),
      .pad(Padding(before: Extent(0), after: Extent(height: 0, width: 1))), .concatenation,
      .globalAveragePool, .elementwise(.leakyRelu(slope: 0.25)), .elementwise(.elu(alpha: 1)),
      .elementwise(.elu(alpha: 0.5)), .elementwise(.gelu), .elementwise(.tanhGelu),
      .elementwise(.tanh), .elementwise(.softplus), .elementwise(.exponential),
      .elementwise(.logarithm), .elementwise(.squareRoot), .elementwise(.power(exponent: 3)),
      .combine(.subtract),
      .combine(.divide), .combine(.minimum), .combine(.maximum),
      .normalization(SampleNormalization(.groups(4), epsilon: 1e-3)),
      .normalization(SampleNormalization(.groups(2), epsilon: 1e-3)),
      .normalization(SampleNormalization(.channels, epsilon: 1e-3)), .softmax(size: 4),
      .softmax(size: 2), .border(Padding(2), .reflect), .border(Padding(1), .edge),
      .border(Padding(before: Extent(0), after: Extent(height: 3, width: 1)), .reflect),
      .border(Padding(before: Extent(0), after: Extent(height: 3, width: 1)), .wrap),
      .resize(Resizing(height: 16, width: 24, .nearest)),
      .resize(Resizing(height: 5, width: 16, .linear)),
      .depthToSpace(Extent(height: 1, width: 2)), .depthToSpace(Extent(2)),
      .paddedShortcut(PaddedShortcut(channels: 9, stride: 2, leadingZeroChannels: 3)),
      .paddedShortcut(PaddedShortcut(channels: 4, stride: 1)), .linear(linear),
      .linear(Linear(outputs: 1)),
    ]
    return operations
  }()

  static func graph(_ operation: ResNet.Operation) -> Graph {
    var graph = Graph(input: FeatureShape(channels: 3, height: size, width: size))
    let first = graph.append(
      "first conv", .convolution(Convolution(outputChannels: 4, kernel: Extent(1))), 0)
    // Zero has no logarithm.
    let before: ResNet.Operation =
      operation == .elementwise(.logarithm) ? .elementwise(.sigmoid) : .relu
    let second = graph.append("second", before, first)
    let pairs: [ResNet.Operation] =
      [.add, .multiply, .concatenation] + Combination.allCases.map(ResNet.Operation.combine)
    if pairs.contains(operation) {
      graph.append("node", operation, second, first)
    } else {
      graph.append("node", operation, second)
    }
    if case .linear = operation {} else { graph.append("pool", .globalAveragePool, graph.output) }
    graph.append("fc", .linear(Linear(outputs: 2)), graph.output)
    return graph
  }

  private static func model(_ graph: Graph, samples: [GoldenSample] = []) throws -> Model {
    try Model(
      name: "own", graph: graph, weights: Weights.random(for: graph),
      Model.Contents(
        labels: ["a", "b"],
        preprocessing: contract(size: size),
        calibration: Calibration(method: "none", ranges: ["input": 1, "fc": 2.5]),
        goldenSamples: samples))
  }

  private static func expectEqual(_ read: Model, _ model: Model) throws {
    #expect(read.graph == model.graph && read.architecture == nil)
    #expect(read.labels == model.labels && read.name == model.name)
    #expect(read.preprocessing == model.preprocessing)
    #expect(read.calibration == model.calibration && read.provenance == model.provenance)
    #expect(read.goldenSamples == model.goldenSamples)
    #expect(Set(read.weights.names) == Set(model.weights.names))
    for name in model.weights.names {
      let (found, wanted) = (read.weights[name], model.weights[name])
      #expect(found?.shape == wanted?.shape)
      #expect(found?.values.map(\.bitPattern) == wanted?.values.map(\.bitPattern), "\(name)")
    }
  }

  @Test("A graph is read as it was written, whatever its operations", arguments: operations)
  func roundTrip(operation: ResNet.Operation) throws {
    let samples = [GoldenSample(encodedImage: [1, 2], logits: [3, -4])]
    let model = try Self.model(Self.graph(operation), samples: samples)
    let bytes = try GraphFile.written(model)
    let read = try Model.load(bytes: bytes, fileName: "x")
    try Self.expectEqual(read, model)
    #expect(read.version == model.version && read.format == .safetensors)
    #expect(try GraphFile.written(read) == bytes)
  }

  @Test(
    "An imported network is written as a model file that gives the same logits and needs nothing",
    arguments: importedNetworks + ["half-13", "double-13"] + ONNXQuantizationTests.names)
  func imported(name: String) throws {
    var options = ModelOptions(labels: ["a", "b", "c", "d", "e"])
    options.preprocessing = try Self.contract(size: Self.size(of: name))
    let model = try Model.load(path: Fixtures.path("\(name).onnx"), options: options)
    let read = try Model.load(bytes: GraphFile.written(model), fileName: "x")
    try Self.expectEqual(read, model)
    #expect(read.warnings.isEmpty)
    let logits = try [model, read].map { model in
      let network = try CompiledNetwork(model.graph, model.weights)
      let context = try ExecutionContext(network)
      let image = (0..<model.graph.inputShape.elementCount).map { Float($0 * 31 % 257) / 128 - 1 }
      var logits = [Float](repeating: .nan, count: network.outputCount)
      var span = logits.mutableSpan
      try context.run(imageCount: 1, input: image.span, logits: &span)
      return logits
    }
    #expect(logits[0] == logits[1])
  }

  @Test("Names are those of the graph, even where other tools' files mean something else by them")
  func names() throws {
    var graph = Graph(input: FeatureShape(channels: 3, height: 8, width: 8))
    for name in ["module.fc", "golden.0", "conv1.0", "linear", "a \"b\" \\ c", "se"] {
      graph.append(
        name, .convolution(Convolution(outputChannels: 3, kernel: Extent(1))), graph.output)
    }
    graph.append("num_batches_tracked", .globalAveragePool, graph.output)
    graph.append("resnet.fc", .linear(Linear(outputs: 2)), graph.output)
    let model = try Self.model(graph, samples: [GoldenSample(encodedImage: [1], logits: [0, 0])])
    try Self.expectEqual(Model.load(bytes: GraphFile.written(model), fileName: "x"), model)
  }

  @Test("What the engine makes of a graph is not written")
  func fused() throws {
    var graph = Graph(input: FeatureShape(channels: 3, height: 8, width: 8))
    graph.append("conv", .convolution(Convolution(outputChannels: 2, kernel: Extent(8))), 0)
    graph.append("bn", .batchNormalization(BatchNormalization()), 1)
    graph.append("relu", .relu, 2)
    _ = try Self.model(graph)
    let folded = graph.foldingBatchNormalization()
    #expect(folded.nodes.count == 3 && folded.fusingActivations().nodes.count == 2)
    #expect(throws: CheckpointError.self) { try Self.model(folded) }
    #expect(throws: CheckpointError.self) { try Self.model(folded.fusingActivations()) }
  }

  @Test("The weights alone are not written without an architecture")
  func plain() throws {
    let model = try Self.model(Self.graph(.relu))
    #expect(throws: CheckpointError.graphOfItsOwn) { try model.writePlain(to: "/nowhere/at/all") }
  }

  @Test("A calibrated copy is the same network under another version")
  func calibrated() throws {
    let model = try Self.model(Self.graph(.relu))
    let calibration = Calibration(method: "made up", ranges: ["input": 3])
    let copy = try model.calibrated(calibration, Provenance())
    #expect(copy.graph == model.graph && copy.calibration == calibration)
    #expect(copy.version != model.version)
  }
}
