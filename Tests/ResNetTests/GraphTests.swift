import ResNet
import Testing

@Suite struct GraphTests {
  @Test("A sum of unequal shapes is an error that names its block")
  func unequalShapes() {
    var graph = Graph(input: FeatureShape(channels: 8, height: 4, width: 4))
    let main = graph.append(
      "layer1.0.conv1", .convolution(Convolution(outputChannels: 16, kernel: Extent(1))), 0)
    graph.append("layer1.0.add", .add, main, 0)
    #expect(
      throws: GraphError.unequalShapes(
        block: "layer1.0.add", main: FeatureShape(channels: 16, height: 4, width: 4),
        shortcut: FeatureShape(channels: 8, height: 4, width: 4))
    ) { try graph.shapes() }
  }

  @Test(
    "A factor of one pixel takes the other's shape from either side; others are refused by name")
  func products() throws {
    let large = FeatureShape(channels: 8, height: 4, width: 4)
    var graph = Graph(input: large)
    let pixel = graph.append("pool", .globalAveragePool, 0)
    graph.append("scale", .multiply, 0, pixel)
    graph.append("scale2", .multiply, pixel, 0)
    #expect(try graph.shapes().suffix(2) == [large, large])
    let narrow = graph.append(
      "conv", .convolution(Convolution(outputChannels: 4, kernel: Extent(1))), pixel)
    graph.append("scale3", .multiply, 0, narrow)
    #expect(
      throws: GraphError.unequalFactors(
        node: "scale3", first: large, second: FeatureShape(channels: 4, height: 1, width: 1))
    ) { try graph.shapes() }
  }

  @Test(
    "Elementwise functions of useless numbers are refused by name",
    arguments: [
      Elementwise.clip(minimum: 1, maximum: 0), .clip(minimum: .nan, maximum: 0),
      .hardSigmoid(alpha: .infinity, beta: 0), .hardSigmoid(alpha: 0, beta: .nan),
    ])
  func badFunctions(function: Elementwise) {
    var graph = Graph(input: FeatureShape(channels: 1, height: 1, width: 1))
    graph.append("gate", .elementwise(function), 0)
    let error = #expect(throws: GraphError.self) { try graph.shapes() }
    #expect(error?.description.hasPrefix("gate: ") == true)
  }

  @Test("A window larger than the padded input is refused")
  func largeWindow() {
    var graph = Graph(input: FeatureShape(channels: 1, height: 2, width: 2))
    graph.append("pool", .maxPool(Pooling(window: Extent(3), stride: Extent(1))), 0)
    #expect(
      throws: GraphError.windowTooLarge(
        node: "pool", input: FeatureShape(channels: 1, height: 2, width: 2), window: Extent(3))
    ) { try graph.shapes() }
  }

  @Test("Groups must divide the channels on both sides", arguments: [(8, 6), (6, 8)])
  func groups(inputs: Int, outputs: Int) {
    var convolution = Convolution(outputChannels: outputs, kernel: Extent(1))
    convolution.groups = 4
    var graph = Graph(input: FeatureShape(channels: inputs, height: 1, width: 1))
    graph.append("conv", .convolution(convolution), 0)
    #expect(
      throws: GraphError.channelsNotDivisible(node: "conv", channels: 6, groups: 4)
    ) { try graph.shapes() }
  }

  @Test(
    "Output sizes follow stride, padding and dilation",
    arguments: [
      (7, 3, 2, 1, 1, 4), (8, 3, 2, 1, 1, 4), (5, 3, 1, 0, 2, 1), (224, 7, 2, 3, 1, 112),
      (6, 1, 4, 0, 1, 2),
    ])
  func outputSize(size: Int, kernel: Int, stride: Int, padding: Int, dilation: Int, expected: Int)
    throws
  {
    var convolution = Convolution(outputChannels: 2, kernel: Extent(kernel))
    convolution.stride = Extent(stride)
    convolution.padding = Extent(padding)
    convolution.dilation = Extent(dilation)
    var graph = Graph(input: FeatureShape(channels: 3, height: size, width: size))
    graph.append("conv", .convolution(convolution), 0)
    #expect(try graph.shapes()[1] == FeatureShape(channels: 2, height: expected, width: expected))
  }

  @Test("Sizes whose product overflows are refused")
  func overflow() {
    let graph = Graph(input: FeatureShape(channels: .max, height: 2, width: 2))
    #expect(throws: GraphError.self) { try graph.shapes() }
  }

  @Test("Missing and misshapen parameters are named")
  func validation() throws {
    let graph = try Graph(#require(Architecture.cifar(depth: 8)))
    var weights = try Weights.random(for: graph)
    try graph.validate(weights)
    weights["fc.bias"] = Tensor(shape: [9], storage: [Float](repeating: 0, count: 9))
    #expect(
      throws: GraphError.parameterShape(name: "fc.bias", expected: [10], actual: [9])
    ) { try graph.validate(weights) }
    weights["fc.bias"] = nil
    #expect(throws: GraphError.missingParameter("fc.bias")) { try graph.validate(weights) }
  }
}
