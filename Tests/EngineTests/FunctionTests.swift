import Engine
import ResNet
import Testing

/// Functions without parameters, normalisation by an image's own numbers, and other sizes.
@Suite struct FunctionTests {
  private static let kinds: [Elementwise] = [
    .leakyRelu(slope: 0.2), .leakyRelu(slope: -0.5), .elu(alpha: 1), .elu(alpha: 0.3), .gelu,
    .tanhGelu, .tanh, .softplus, .exponential, .power(exponent: 2), .power(exponent: 3),
  ]

  /// Maps of more numbers than a plain loop may have, and of few.
  private static let inputs = [
    FeatureShape(channels: 3, height: 5, width: 7),
    FeatureShape(channels: 16, height: 24, width: 24),
  ]

  private static func convolved(_ input: FeatureShape, to channels: Int) -> Graph {
    var graph = Graph(input: input)
    graph.append(
      "conv", .convolution(Convolution(outputChannels: channels, kernel: Extent(1))), 0)
    return graph
  }

  @Test("Each function of one number gives the reference's numbers", arguments: kinds, inputs)
  func functions(function: Elementwise, input: FeatureShape) throws {
    var graph = Self.convolved(input, to: 8)
    graph.append("function", .elementwise(function), graph.output)
    try EngineTests.expectReference(graph)
  }

  @Test(
    "Roots and other powers of positive numbers give the reference's numbers", arguments: inputs)
  func powers(input: FeatureShape) throws {
    for function in [
      Elementwise.squareRoot, .logarithm, .power(exponent: 0.4), .power(exponent: -1),
    ] {
      var graph = Self.convolved(input, to: 8)
      graph.append("clip", .elementwise(.clip(minimum: 0.25, maximum: .infinity)), graph.output)
      graph.append("function", .elementwise(function), graph.output)
      try EngineTests.expectReference(graph)
    }
  }

  @Test(
    "Two maps, or a map and one pixel, are combined number by number",
    arguments: Combination.allCases, inputs)
  func combinations(combination: Combination, input: FeatureShape) throws {
    for isPixel in [false, true] {
      var graph = Self.convolved(input, to: 8)
      let first = graph.output
      if isPixel { graph.append("mean", .globalAveragePool, first) }
      // Away from zero, for quotients.
      graph.append("exp", .elementwise(.exponential), graph.output)
      graph.append("both", .combine(combination), first, graph.output)
      try EngineTests.expectReference(graph)
    }
  }

  @Test(
    "Normalisation by groups or pixels and softmax give the reference's numbers", arguments: inputs)
  func rows(input: FeatureShape) throws {
    let operations: [ResNet.Operation] = [
      .normalization(SampleNormalization(.groups(1), epsilon: 1e-5)),
      .normalization(SampleNormalization(.groups(4), epsilon: 1e-3)),
      .normalization(SampleNormalization(.groups(8), epsilon: 0.5)),
      .normalization(SampleNormalization(.channels, epsilon: 1e-5)), .softmax(size: 8),
      .softmax(size: 2), .softmax(size: 1),
    ]
    for operation in operations {
      var graph = Self.convolved(input, to: 8)
      graph.append("rows", operation, graph.output)
      graph.append(
        "next", .convolution(Convolution(outputChannels: 3, kernel: Extent(1))), graph.output)
      try EngineTests.expectReference(graph)
    }
  }

  @Test(
    "Pixels of a map around it give the reference's numbers", arguments: inputs, Border.allCases)
  func borders(input: FeatureShape, border: Border) throws {
    let paddings = [
      Padding(1),
      Padding(before: Extent(height: 2, width: 0), after: Extent(height: 4, width: 3)),
    ]
    for padding in paddings {
      for channels in [3, 16] {
        var graph = Self.convolved(input, to: channels)
        graph.append("border", .border(padding, border), graph.output)
        graph.append(
          "next", .convolution(Convolution(outputChannels: 3, kernel: Extent(3))), graph.output)
        try EngineTests.expectReference(graph)
      }
    }
  }

  @Test("Channels become pixels as the reference says", arguments: inputs)
  func blocks(input: FeatureShape) throws {
    for (block, channels) in [
      (Extent(2), 12), (Extent(height: 1, width: 3), 48), (Extent(height: 2, width: 4), 128),
    ] {
      var graph = Self.convolved(input, to: channels)
      graph.append("blocks", .depthToSpace(block), graph.output)
      graph.append(
        "next", .convolution(Convolution(outputChannels: 3, kernel: Extent(3))), graph.output)
      try EngineTests.expectReference(graph)
    }
  }

  @Test("A map at another size gives the reference's numbers", arguments: inputs)
  func sizes(input: FeatureShape) throws {
    let sizes: [Resizing] = [
      Resizing(height: 2 * input.height, width: 3 * input.width, .nearest),
      Resizing(height: 2 * input.height, width: 2 * input.width, .linear),
      Resizing(height: 3, width: 11, .linear),
    ]
    for resizing in sizes {
      var graph = Self.convolved(input, to: 8)
      graph.append("resize", .resize(resizing), graph.output)
      graph.append(
        "next", .convolution(Convolution(outputChannels: 3, kernel: Extent(1))), graph.output)
      try EngineTests.expectReference(graph)
    }
  }
}
