import Engine
import Numbers
import ResNet
import Testing

/// bf16 and int8 compared with sums in double precision.
@Suite struct PrecisionTests {
  /// Tolerance, relative to the largest output: 8 bits of mantissa, and 8 bits in all.
  static let tolerances: [Precision: Double] = [.fp32: 1e-5, .bf16: 1.5e-2, .int8: 3e-2]

  @Test(
    "Random convolutions keep the reference's sums as well as their numbers can",
    arguments: 0..<40, [Precision.bf16, .int8])
  func convolutions(seed: Int, precision: Precision) throws {
    var dice = Dice("precision \(seed)")
    let groups = dice.pick([1, 1, 1, 2])
    let input = FeatureShape(
      channels: groups * dice.pick([3, 8, 16, 24]), height: dice.pick([5, 7, 14, 17]),
      width: dice.pick([3, 6, 7, 14, 19]))
    let kernel = dice.pick([1, 3, 3, 3, 5])
    var convolution = Convolution(
      outputChannels: groups * dice.pick([5, 8, 16, 32]), kernel: Extent(kernel))
    convolution.groups = groups
    convolution.stride = Extent(dice.pick([1, 1, 2]))
    convolution.padding = Padding(kernel / 2)
    convolution.hasBias = dice.pick([true, false])
    var graph = Graph(input: input)
    var output = graph.append("conv", .convolution(convolution), 0)
    if dice.pick([true, false]) {
      output = graph.append("bn", .batchNormalization(BatchNormalization()), output)
    }
    if dice.pick([true, false]) { graph.append("relu", .relu, output) }
    try Self.expectReference(graph, precision, winograd: dice.pick(WinogradPolicy.allCases))
  }

  @Test(
    "Residual blocks of both kinds and all shortcuts do too",
    arguments: [Architecture.Block.basic, .bottleneck],
    [Architecture.Shortcut.a, .b, .c])
  func blocks(block: Architecture.Block, shortcut: Architecture.Shortcut) throws {
    let architecture = Architecture(
      stem: .cifar, block: block,
      stages: [.init(blocks: 2, width: 8), .init(blocks: 2, width: 16)],
      shortcut: shortcut, classCount: 7, inputSize: 9)
    for precision in [Precision.bf16, .int8] {
      try Self.expectReference(Graph(architecture), precision, allowance: 3)
    }
  }

  @Test(
    "Sums, means and rectification by themselves leave the integers and come back",
    arguments: [Precision.bf16, .int8])
  func unfused(precision: Precision) throws {
    var graph = Graph(input: FeatureShape(channels: 16, height: 6, width: 6))
    let convolution = Operation.convolution(Convolution(outputChannels: 16, kernel: Extent(1)))
    let first = graph.append("conv1", convolution, 0)
    let rectified = graph.append("relu", .relu, first)
    let sum = graph.append("add", .add, rectified, first)
    let pooling = Pooling(window: Extent(3), stride: Extent(2), padding: Padding(1))
    let averaged = graph.append("pool", .averagePool(pooling), sum)
    let second = graph.append("conv2", convolution, averaged)
    graph.append("maximum", .maxPool(pooling), second)
    try Self.expectReference(graph, precision, allowance: 2)
  }

  @Test("int8 without a range for a node is refused by the node's name")
  func uncalibrated() throws {
    guard try runs(in: .int8) else { return }
    let graph = try Graph(#require(Architecture.cifar(depth: 8)))
    let weights = try Weights.random(for: graph)
    var options = CompilationOptions()
    options.precision = .int8
    options.calibration = Calibration(method: "none", ranges: ["input": 1])
    #expect {
      try CompiledNetwork(graph, weights, options: options)
    } throws: { error in
      if case .uncalibrated(node: "conv1")? = error as? EngineError { true } else { false }
    }
  }

  @Test("A range leaves out the rarest magnitudes, and all of none")
  func percentiles() throws {
    let shape = FeatureShape(channels: 1, height: 10, width: 10)
    var graph = Graph(input: shape)
    graph.append("conv", .convolution(Convolution(outputChannels: 1, kernel: Extent(1))), 0)
    let calibrator = try Calibrator(graph, .random(for: graph))
    let image = (1...100).map(Float.init)
    try calibrator.measure(image.span)
    #expect(calibrator.ranges(percentile: 100)["input"] == 100)
    let range = try #require(calibrator.ranges(percentile: 90)["input"])
    #expect(abs(range - 90) <= 0.1)
  }

  /// Calibrated on the image that it then runs, alone and twice in a batch.
  static func expectReference(
    _ graph: Graph, _ precision: Precision, winograd: WinogradPolicy = .measured,
    allowance: Double = 1, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    guard try runs(in: precision, sourceLocation: sourceLocation) else { return }
    let weights = try Weights.random(for: graph)
    let shape = try graph.shapes()[0]
    let image = ReproducibleNumbers("image").values(count: shape.elementCount, from: -2, to: 2)
    let calibrator = try Calibrator(graph, weights)
    try calibrator.measure(image.span)
    var options = CompilationOptions()
    options.batchSizes = [1, 2]
    options.precision = precision
    options.winograd = winograd
    let ranges = calibrator.ranges(percentile: 100)
    let expected = try ReferenceInterpreter(graph, weights).run(image.map(Double.init))
    let largest = expected.map(abs).max() ?? 0
    options.calibration = Calibration(method: "test", ranges: ranges)
    let context = try ExecutionContext(CompiledNetwork(graph, weights, options: options))
    let outputs = try context.logits(of: image + image + image, count: 3)
    try #require(outputs.count == 3 * expected.count, sourceLocation: sourceLocation)
    let difference = outputs.indices.reduce(0.0) {
      let output = Double(outputs[$1])
      return output.isFinite ? max($0, abs(output - expected[$1 % expected.count])) : .infinity
    }
    let tolerance = try #require(tolerances[precision]) * allowance
    #expect(difference <= tolerance * largest, "\(difference / largest)")
  }
}
