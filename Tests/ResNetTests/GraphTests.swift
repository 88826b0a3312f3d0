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
    "Elementwise functions of invalid numbers are refused by name",
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

  @Test("Blocks of channels become pixels if they divide the channels")
  func blocks() throws {
    var graph = Graph(input: FeatureShape(channels: 12, height: 2, width: 3))
    graph.append("blocks", .depthToSpace(Extent(height: 2, width: 3)), 0)
    #expect(try graph.outputShape == FeatureShape(channels: 2, height: 4, width: 9))
    graph.append("more", .depthToSpace(Extent(2)), 0)
    #expect(try graph.outputShape == FeatureShape(channels: 3, height: 4, width: 6))
    graph.append("odd", .depthToSpace(Extent(height: 1, width: 5)), 0)
    #expect(throws: GraphError.channelsNotDivisible(node: "odd", channels: 12, groups: 5)) {
      try graph.shapes()
    }
    var endless = Graph(input: FeatureShape(channels: 12, height: 2, width: 3))
    endless.append("blocks", .depthToSpace(Extent(1 << 17)), 0)
    #expect(throws: GraphError.self) { try endless.shapes() }
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
    convolution.padding = Padding(padding)
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

  @Test("Windows that exceed any memory, or that are meaningless, are refused")
  func windows() {
    let input = FeatureShape(channels: 3, height: 8, width: 8)
    func expectRefused(_ operation: Operation) {
      var graph = Graph(input: input)
      graph.append("node", operation, 0)
      #expect(throws: GraphError.self, "\(operation)") { try graph.shapes() }
    }
    for number in [Int.min, -1, 0, Graph.windowNumberLimit + 1, .max] {
      let extent = Extent(height: 1, width: number)
      var convolution = Convolution(outputChannels: 3, kernel: extent)
      expectRefused(.convolution(convolution))
      convolution.kernel = Extent(3)
      convolution.dilation = extent
      expectRefused(.convolution(convolution))
      convolution.dilation = Extent(1)
      convolution.stride = extent
      expectRefused(.convolution(convolution))
      expectRefused(.maxPool(Pooling(window: extent, stride: Extent(1))))
      expectRefused(.averagePool(Pooling(window: Extent(1), stride: extent)))
      guard number != 0 else { continue }
      convolution.stride = Extent(1)
      for padding in [
        Padding(before: extent, after: Extent(0)), Padding(before: Extent(0), after: extent),
      ] {
        convolution.padding = padding
        expectRefused(.convolution(convolution))
        expectRefused(.pad(padding))
        expectRefused(.maxPool(Pooling(window: Extent(3), stride: Extent(1), padding: padding)))
      }
    }
    for padding in [
      Padding(before: Extent(2), after: Extent(0)), Padding(before: Extent(0), after: Extent(2)),
    ] {
      expectRefused(.maxPool(Pooling(window: Extent(2), stride: Extent(1), padding: padding)))
    }
    expectRefused(.pad(Padding(Graph.windowNumberLimit)))
  }

  @Test("Padding and concatenation add to their inputs' shapes")
  func sums() throws {
    var graph = Graph(input: FeatureShape(channels: 3, height: 8, width: 8))
    let sides = Padding(
      before: Extent(height: 1, width: 2), after: Extent(height: 3, width: 4))
    let padded = graph.append("pad", .pad(sides), 0)
    #expect(try graph.shapes()[padded] == FeatureShape(channels: 3, height: 12, width: 14))
    let all = graph.append("all", .concatenation, padded, padded, padded)
    #expect(try graph.shapes()[all] == FeatureShape(channels: 9, height: 12, width: 14))
    graph.append("unequal", .concatenation, padded, 0)
    #expect(throws: GraphError.self) { try graph.shapes() }
    var empty = Graph(input: FeatureShape(channels: 3, height: 8, width: 8))
    empty.append("nothing", .concatenation)
    #expect(throws: GraphError.self) { try empty.shapes() }
    var large = Graph(input: FeatureShape(channels: 1 << 27, height: 1, width: 1))
    large.append(
      Graph.Node(name: "large", operation: .concatenation, inputs: [0, 0, 0]))
    #expect(throws: GraphError.self) { try large.shapes() }
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
