import Engine
import Numbers
import ResNet
import Testing

/// Products and elementwise functions, as squeeze and excitation (Hu et al. 2018) and MobileNets
/// use them.
@Suite struct SqueezeExcitationTests {
  static let gates: [Elementwise] = [.sigmoid, .hardSigmoid(alpha: 0.2, beta: 0.5)]

  /// Residual block whose main path is weighted channel by channel.
  static func block(channels: Int, gate: Elementwise, weightFirst: Bool) -> Graph {
    var graph = Graph(input: FeatureShape(channels: 3, height: 7, width: 6))
    func convolution(_ outputs: Int, _ kernel: Int) -> Operation {
      var convolution = Convolution(outputChannels: outputs, kernel: Extent(kernel))
      convolution.padding = Padding(kernel / 2)
      convolution.hasBias = true
      return .convolution(convolution)
    }
    let stem = graph.append("stem", convolution(channels, 3), 0)
    let main = graph.append("conv", convolution(channels, 3), stem)
    let squeezed = graph.append("squeeze", .globalAveragePool, main)
    let reduced = graph.append("reduce", convolution(4, 1), squeezed)
    let rectified = graph.append("relu", .relu, reduced)
    let expanded = graph.append("expand", convolution(channels, 1), rectified)
    let weight = graph.append("gate", .elementwise(gate), expanded)
    let scaled =
      weightFirst
      ? graph.append("scale", .multiply, weight, main)
      : graph.append("scale", .multiply, main, weight)
    let sum = graph.append("add", .add, scaled, stem)
    graph.append("relu2", .relu, sum)
    graph.append("pool", .globalAveragePool, graph.output)
    graph.append("fc", .linear(Linear(outputs: 5)), graph.output)
    return graph
  }

  @Test(
    "Squeeze and excitation gives the reference's logits, whatever the order of the factors",
    arguments: [5, 16, 24, 33], gates)
  func blocks(channels: Int, gate: Elementwise) throws {
    for weightFirst in [false, true] {
      try EngineTests.expectReference(
        Self.block(channels: channels, gate: gate, weightFirst: weightFirst))
    }
  }

  @Test("Elementwise functions give the reference's numbers", arguments: [1, 5, 16])
  func functions(channels: Int) throws {
    let functions: [Elementwise] =
      Self.gates + [
        .clip(minimum: 0, maximum: 6), .clip(minimum: -0.5, maximum: .infinity),
        .clip(minimum: 1, maximum: 2), .hardSigmoid(alpha: 1.0 / 6, beta: 0.5),
      ]
    for function in functions {
      var graph = Graph(input: FeatureShape(channels: 3, height: 5, width: 4))
      var convolution = Convolution(outputChannels: channels, kernel: Extent(3))
      convolution.padding = Padding(1)
      graph.append("conv", .convolution(convolution), 0)
      let value = graph.append("function", .elementwise(function), graph.output)
      // The padding of a blocked layout's channels must not leak into the next sums.
      graph.append("conv2", .convolution(convolution), value)
      try EngineTests.expectReference(graph)
    }
  }

  @Test("x * sigmoid(x) and x * x keep x", arguments: [5, 16])
  func selfProducts(channels: Int) throws {
    var graph = Graph(input: FeatureShape(channels: 3, height: 5, width: 4))
    let x = graph.append(
      "conv", .convolution(Convolution(outputChannels: channels, kernel: Extent(1))), 0)
    let gate = graph.append("gate", .elementwise(.sigmoid), x)
    let silu = graph.append("silu", .multiply, x, gate)
    let square = graph.append("square", .multiply, x, x)
    graph.append("add", .add, silu, square)
    try EngineTests.expectReference(graph)
  }

  @Test("Lower precisions stay near the reference", arguments: [Precision.bf16, .int8], gates)
  func lowerPrecision(precision: Precision, gate: Elementwise) throws {
    guard try runs(in: precision) else { return }
    let graph = Self.block(channels: 24, gate: gate, weightFirst: false)
    let weights = try Weights.random(for: graph)
    let count = 3
    let size = 3 * 7 * 6
    let images = ReproducibleNumbers("gated").values(count: count * size, from: -2, to: 2)
    var options = CompilationOptions()
    options.batchSizes = [1, 2]
    options.precision = precision
    let calibrator = try Calibrator(graph, weights)
    for image in 0..<count {
      try calibrator.measure(images.span.extracting(image * size..<(image + 1) * size))
    }
    options.calibration = Calibration(
      method: "test", ranges: calibrator.ranges(percentile: 100))
    let context = try ExecutionContext(CompiledNetwork(graph, weights, options: options))
    let logits = try context.logits(of: images, count: count)
    let reference = try ReferenceInterpreter(graph, weights)
    let expected = (0..<count).flatMap { image in
      reference.run(images[image * size..<(image + 1) * size].map(Double.init))
    }
    let largest = try #require(expected.map(abs).max())
    for (logit, truth) in zip(logits, expected) {
      #expect(abs(Double(logit) - truth) <= 0.05 * largest)
    }
  }
}
