import Checkpoint
import Engine
import Foundation
import Imaging
import ONNX
import ResNet
import Testing

/// Networks written as ONNX files, read again, and evaluated.
@Suite struct ONNXExportTests {
  private static let tolerance: Float = 1e-4

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-export-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  private static func contract(size: Int) throws -> Preprocessing {
    try Contract.read(
      #"{"resize": {"rule": "exact", "height": \#(size), "width": \#(size), "filter": "bicubic"}, "#
        + #""crop": {"rule": "none"}, "mean": [0.1, 0, 0], "std": [1, 1, 1]}"#
    ).preprocessing
  }

  private static func model(_ architecture: Architecture) throws -> Model {
    var provenance = Provenance()
    provenance.data = "made up, \"quoted\" and ünïcode"
    return try Model(
      name: "made-up", architecture: architecture,
      weights: Weights.random(for: Graph(architecture)),
      Model.Contents(
        labels: (0..<architecture.classCount).map { "class \($0) \u{1F408}" },
        preprocessing: contract(size: architecture.inputSize),
        calibration: Calibration(method: "none", ranges: ["input": 1]), provenance: provenance,
        goldenSamples: [
          GoldenSample(
            encodedImage: [1], logits: [Float](repeating: 0, count: architecture.classCount))
        ]))
  }

  private static func image(_ shape: FeatureShape) -> [Float] {
    (0..<shape.elementCount).map { Float($0 * 31 % 257) / 128 - 1 }
  }

  private static func logits(of model: Model) throws -> [Float] {
    let network = try CompiledNetwork(model.graph, model.weights)
    let context = try ExecutionContext(network)
    var logits = [Float](repeating: .nan, count: network.outputCount)
    let image = image(model.graph.inputShape)
    var span = logits.mutableSpan
    try context.run(imageCount: 1, input: image.span, logits: &span)
    return logits
  }

  /// Evaluates the file with ONNX's operators, and shares nothing with the engine.
  private static func evaluated(_ bytes: [UInt8], _ shape: FeatureShape) throws -> [Float] {
    let file = try ONNXModel(bytes: unsafe bytes.span.bytes)
    #expect(file.irVersion == 7 && file.opset == 13 && file.producer == "resnetd")
    #expect(file.inputs.map(\.name) == ["input"] && file.outputs.map(\.name) == ["logits"])
    #expect(file.inputs[0].shape == [nil, shape.channels, shape.height, shape.width])
    #expect(file.outputs[0].shape?.count == 2 && file.outputs[0].shape?[0] == nil)
    // Two images, because the batch may have any size.
    let image = image(shape).map(Double.init)
    let input = DenseTensor(
      .float, [2, shape.channels, shape.height, shape.width], image + image)
    let output = try #require(
      try Evaluator(limits: ONNXLimits()).run(
        file, inputs: ["input": input], wanted: ["logits"]
      ) { (_) throws(ONNXError) in [] }["logits"])
    guard case .floating(let numbers) = output.numbers else { return [] }
    let half = numbers.count / 2
    #expect(numbers.prefix(half).elementsEqual(numbers.suffix(half)))
    return numbers.prefix(half).map { Float($0) }
  }

  private static func expectEqualWeights(_ read: Model, _ model: Model) {
    #expect(Set(read.weights.names) == Set(model.weights.names))
    for name in model.weights.names {
      let (found, wanted) = (read.weights[name], model.weights[name])
      #expect(found?.shape == wanted?.shape)
      #expect(found?.values.map(\.bitPattern) == wanted?.values.map(\.bitPattern), "\(name)")
    }
  }

  private static func expectAgreement(_ found: [Float], _ wanted: [Float]) throws {
    let largest = try #require(wanted.map(abs).max())
    #expect(found.count == wanted.count)
    for (a, b) in zip(found, wanted) { #expect(abs(a - b) <= tolerance * largest) }
  }

  /// Architectures with each stem, block and shortcut.
  private static let architectures: [Architecture] = {
    let stages = [Architecture.Stage(blocks: 1, width: 4), .init(blocks: 2, width: 8)]
    func make(
      _ stem: Architecture.Stem, _ block: Architecture.Block, _ shortcut: Architecture.Shortcut,
      size: Int
    ) -> Architecture {
      Architecture(
        stem: stem, block: block, stages: stages, shortcut: shortcut, classCount: 3,
        inputSize: size)
    }
    var centered = make(.cifar, .basic, .a, size: 12)
    centered.zeroChannels = .centered
    var grouped = make(.imageNet, .bottleneck, .b, size: 33)
    grouped.groups = 2
    grouped.widthPerGroup = 32
    grouped.stridePlacement = .in1x1
    grouped.normalizationEpsilon = 1e-3
    return [
      make(.cifar, .basic, .a, size: 12), centered, make(.cifar, .bottleneck, .c, size: 9), grouped,
    ]
  }()

  @Test(
    "A network comes back from ONNX as it was, and from there as a model file",
    arguments: architectures)
  func roundTrip(architecture: Architecture) throws {
    let model = try Self.model(architecture)
    try withFolder { folder in
      let path = folder + "/m.onnx"
      try model.writeONNX(to: path, programVersion: "1")
      let read = try Model.load(path: path)
      #expect(read.format == .onnx && read.warnings.isEmpty)
      #expect(read.graph == model.graph && read.architecture == architecture)
      #expect(read.name == model.name && read.labels == model.labels)
      #expect(read.preprocessing == model.preprocessing && read.provenance == model.provenance)
      #expect(read.calibration == nil && read.goldenSamples.isEmpty)
      Self.expectEqualWeights(read, model)

      let native = try Model.load(bytes: GraphFile.written(read), fileName: "x")
      #expect(native.graph == model.graph && native.architecture == architecture)
      Self.expectEqualWeights(native, model)

      let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
      try Self.expectAgreement(
        Self.evaluated(bytes, model.graph.inputShape), Self.logits(of: model))
      try read.writeONNX(to: folder + "/again.onnx", programVersion: "1")
      #expect(Array(try Data(contentsOf: URL(fileURLWithPath: folder + "/again.onnx"))) == bytes)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
    }
  }

  @Test(
    "Any operation is written as ONNX has it, and computes what it did",
    // The engine runs only a last linear layer; another test has the others. The operator set that
    // is written has no padding that wraps around.
    arguments: GraphDocumentTests.operations.filter {
      switch $0 {
      case .linear, .border(_, .wrap): false
      default: true
      }
    })
  func operations(operation: ResNet.Operation) throws {
    let graph = GraphDocumentTests.graph(operation)
    let model = try Model(
      name: "own", graph: graph, weights: Weights.random(for: graph),
      Model.Contents(
        labels: ["a", "b"],
        preprocessing: Self.contract(size: GraphDocumentTests.size)))
    try withFolder { folder in
      try model.writeONNX(to: folder + "/m.onnx", programVersion: "1")
      let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: folder + "/m.onnx")))
      try Self.expectAgreement(Self.evaluated(bytes, graph.inputShape), Self.logits(of: model))
    }
  }

  @Test("Padding by the opposite edge, which the written operator set lacks, is refused")
  func wrapping() throws {
    let graph = GraphDocumentTests.graph(.border(Padding(1), .wrap))
    let model = try Model(
      name: "own", graph: graph, weights: Weights.random(for: graph),
      Model.Contents(
        labels: ["a", "b"],
        preprocessing: Self.contract(size: GraphDocumentTests.size)))
    try withFolder { folder in
      do {
        try model.writeONNX(to: folder + "/m.onnx", programVersion: "1")
        Issue.record("it was written")
      } catch let error as CheckpointError {
        #expect(error.description.contains("padding by the opposite edge (node)"), "\(error)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test(
    "An imported network is written again with the same nodes, and gives the same logits",
    arguments: GraphDocumentTests.importedNetworks)
  func imported(name: String) throws {
    var options = ModelOptions(labels: ["a", "b", "c", "d", "e"])
    options.preprocessing = try Self.contract(size: GraphDocumentTests.size(of: name))
    let model = try Model.load(path: Fixtures.path("\(name).onnx"), options: options)
    try withFolder { folder in
      try model.writeONNX(to: folder + "/m.onnx", programVersion: "1")
      let read = try Model.load(path: folder + "/m.onnx")
      // For that one, the importer takes zeros around a map into the convolution that reads them.
      #expect(read.graph == model.graph || name == "tensorflow-13")
      #expect(read.labels == model.labels)
      try Self.expectAgreement(Self.logits(of: read), Self.logits(of: model))
      Self.expectEqualWeights(read, model)
    }
  }

  @Test("A network whose last operation is no linear layer gives its logits flat")
  func otherOutput() throws {
    var graph = Graph(input: FeatureShape(channels: 3, height: 4, width: 4))
    graph.append("conv", .convolution(Convolution(outputChannels: 2, kernel: Extent(1))), 0)
    graph.append("pool", .globalAveragePool, 1)
    let model = try Model(
      name: "own", graph: graph, weights: Weights.random(for: graph),
      Model.Contents(
        labels: ["a", "b"],
        preprocessing: Self.contract(size: 4)))
    try withFolder { folder in
      try model.writeONNX(to: folder + "/m.onnx", programVersion: "1")
      #expect(try Model.load(path: folder + "/m.onnx").graph == graph)
      let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: folder + "/m.onnx")))
      try Self.expectAgreement(Self.evaluated(bytes, graph.inputShape), Self.logits(of: model))
    }
  }

  @Test("Linear layers in the middle of a network give feature maps: squeeze and excitation")
  func excitation() throws {
    var graph = Graph(input: FeatureShape(channels: 3, height: 4, width: 4))
    let map = graph.append(
      "conv", .convolution(Convolution(outputChannels: 4, kernel: Extent(1))), 0)
    graph.append("squeeze", .globalAveragePool, map)
    graph.append("reduce", .linear(Linear(outputs: 2)), graph.output)
    graph.append("relu", .relu, graph.output)
    graph.append("expand", .linear(Linear(outputs: 4)), graph.output)
    let gate = graph.append("gate", .elementwise(.sigmoid), graph.output)
    graph.append("scale", .multiply, map, gate)
    graph.append("pool", .globalAveragePool, graph.output)
    graph.append("fc", .linear(Linear(outputs: 2)), graph.output)
    let model = try Model(
      name: "own", graph: graph, weights: Weights.random(for: graph),
      Model.Contents(
        labels: ["a", "b"],
        preprocessing: Self.contract(size: 4)))

    func layer(_ name: String, _ input: [Float]) throws -> [Float] {
      let weight = try #require(model.weights["\(name).weight"]).values
      let bias = model.weights["\(name).bias"]?.values
      return (0..<weight.count / input.count).map { row in
        input.indices.reduce(bias?[row] ?? 0) { $0 + weight[row * input.count + $1] * input[$1] }
      }
    }
    // A 1x1 convolution of means is the mean of the convolution.
    let image = Self.image(graph.inputShape)
    let means = (0..<3).map { image[$0 * 16..<$0 * 16 + 16].reduce(0, +) / 16 }
    let squeezed = try layer("conv", means)
    let gates = try layer("expand", layer("reduce", squeezed).map { max($0, 0) })
      .map { 1 / (1 + exp(-$0)) }
    let expected = try layer("fc", zip(squeezed, gates).map(*))
    try withFolder { folder in
      try model.writeONNX(to: folder + "/m.onnx", programVersion: "1")
      let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: folder + "/m.onnx")))
      try Self.expectAgreement(Self.evaluated(bytes, graph.inputShape), expected)
    }
  }

  @Test("An architecture that the graph does not unroll from is not believed")
  func contradiction() throws {
    let model = try Self.model(Self.architectures[0])
    try withFolder { folder in
      let path = folder + "/m.onnx"
      try model.writeONNX(to: path, programVersion: "1")
      var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
      let (found, other) = (Array(#""normalization_epsilon":1e-05"#.utf8), UInt8(ascii: "4"))
      let place = try #require(
        bytes.indices.first { bytes[$0...].starts(with: found) })
      bytes[place + found.count - 1] = other
      let read = try Model.load(bytes: bytes, fileName: "m.onnx")
      #expect(read.architecture == nil && read.graph == model.graph)
    }
  }

  private static func refusal(of model: Model, _ path: String) -> CheckpointError? {
    do throws(CheckpointError) {
      try model.writeONNX(to: path, programVersion: "1")
      return nil
    } catch { return error }
  }

  @Test("What is larger than an ONNX file may be is refused before it is copied")
  func size() throws {
    var model = try Self.model(Self.architectures[0])
    // Nobody reads the numbers, so there need not be any.
    model.weights["fc.weight"] = Tensor(shape: [1 << 20, 1 << 10], storage: [])
    let large = model
    try withFolder { folder in
      let refusal = Self.refusal(of: large, folder + "/m.onnx")
      guard case .overLimit(_, let value, let limit) = refusal else {
        Issue.record("\(String(describing: refusal))")
        return
      }
      #expect(value > 1 << 32 && limit == Int(Int32.max))
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(left.isEmpty)
    }
  }

  @Test("A file that cannot be written leaves nothing behind")
  func unwritable() throws {
    let model = try Self.model(Self.architectures[0])
    try withFolder { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/m.onnx/kept", withIntermediateDirectories: true)
      #expect(throws: CheckpointError.self) {
        try model.writeONNX(to: folder + "/m.onnx", programVersion: "1")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["m.onnx"])
    }
    #expect(throws: CheckpointError.self) {
      try model.writeONNX(to: "/nowhere/at/all.onnx", programVersion: "1")
    }
  }
}
