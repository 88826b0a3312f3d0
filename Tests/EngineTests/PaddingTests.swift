import Engine
import ResNet
import Testing

/// Padding that differs between the sides, zeros around a feature map, and concatenated channels.
@Suite struct PaddingTests {
  static let precisions = Precision.allCases
  static let lopsided = Padding(
    before: Extent(height: 0, width: 2), after: Extent(height: 1, width: 1))

  private static func convolution(
    _ outputs: Int, _ kernel: Int, stride: Int = 1, groups: Int = 1, padding: Padding = Padding(0)
  ) -> Operation {
    var convolution = Convolution(outputChannels: outputs, kernel: Extent(kernel))
    convolution.stride = Extent(stride)
    convolution.padding = padding
    convolution.groups = groups
    convolution.hasBias = true
    return .convolution(convolution)
  }

  private static func classifier(_ graph: inout Graph) {
    graph.append("pool", .globalAveragePool, graph.output)
    graph.append("fc", .linear(Linear(outputs: 5)), graph.output)
  }

  /// Graph of a stem and one operation that the next convolution reads.
  private static func network(
    channels: Int, _ build: (inout Graph, Graph.NodeID) -> Void
  ) -> Graph {
    var graph = Graph(input: FeatureShape(channels: 3, height: 9, width: 8))
    graph.append("stem", convolution(channels, 3, padding: Padding(1)), 0)
    let stem = graph.append("relu", .relu, graph.output)
    build(&graph, stem)
    let channels = graph.output
    graph.append("last", convolution(16, 1), channels)
    classifier(&graph)
    return graph
  }

  @Test("Convolutions pad each side by its own number", arguments: [5, 16, 32], precisions)
  func convolutions(channels: Int, precision: Precision) throws {
    for (kernel, stride, groups) in [(3, 1, 1), (3, 2, 1), (4, 2, 1), (1, 1, 1), (3, 2, channels)] {
      let graph = Self.network(channels: channels) { graph, stem in
        graph.append(
          "conv",
          Self.convolution(
            channels, kernel, stride: stride, groups: groups, padding: Self.lopsided), stem)
      }
      try PrecisionTests.expectReference(graph, precision, allowance: 3)
    }
  }

  @Test("Pools pad each side by its own number", arguments: [5, 16, 32], precisions)
  func pools(channels: Int, precision: Precision) throws {
    for stride in [1, 2] {
      var pooling = Pooling(window: Extent(3), stride: Extent(stride), padding: Self.lopsided)
      let counting = pooling
      pooling.countsPadding = false
      for operation in [
        Operation.maxPool(pooling), .averagePool(pooling), .averagePool(counting),
      ] {
        let graph = Self.network(channels: channels) { graph, stem in
          graph.append("pool0", operation, stem)
        }
        try PrecisionTests.expectReference(graph, precision, allowance: 3)
      }
    }
  }

  @Test("Padding may lie after the map only, as rounding up leaves it", arguments: precisions)
  func endPadding(precision: Precision) throws {
    var pooling = Pooling(window: Extent(2), stride: Extent(2))
    pooling.padding = Padding(before: Extent(0), after: Extent(height: 1, width: 0))
    pooling.countsPadding = false
    let graph = Self.network(channels: 16) { graph, stem in
      graph.append("average", .averagePool(pooling), stem)
    }
    #expect(try graph.shapes()[3] == FeatureShape(channels: 16, height: 5, width: 4))
    try PrecisionTests.expectReference(graph, precision, allowance: 3)
  }

  @Test("Zeros go around a feature map", arguments: [5, 16, 32], precisions)
  func zeros(channels: Int, precision: Precision) throws {
    let graph = Self.network(channels: channels) { graph, stem in
      graph.append("pad", .pad(Self.lopsided), stem)
      graph.append(
        "max", .maxPool(Pooling(window: Extent(2), stride: Extent(2))), graph.output)
    }
    #expect(try graph.shapes()[3] == FeatureShape(channels: channels, height: 10, width: 11))
    try PrecisionTests.expectReference(graph, precision, allowance: 3)
  }

  @Test("Zeros around numbers below zero are their maximum")
  func zerosAroundNegatives() throws {
    var graph = Graph(input: FeatureShape(channels: 16, height: 4, width: 4))
    graph.append("clip", .elementwise(.clip(minimum: -2, maximum: -1)), 0)
    graph.append("pad", .pad(Padding(1)), graph.output)
    graph.append("max", .maxPool(Pooling(window: Extent(3), stride: Extent(1))), graph.output)
    try EngineTests.expectReference(graph)
  }

  @Test(
    "Channels of several maps follow each other",
    arguments: [[16, 16], [32, 16, 48], [8, 24], [5, 3], [16, 5, 16], [3]], precisions)
  func concatenations(channels: [Int], precision: Precision) throws {
    let graph = Self.network(channels: 16) { graph, stem in
      var parts: [Graph.NodeID] = []
      for (index, count) in channels.enumerated() {
        let part = graph.append("part\(index)", Self.convolution(count, 1), stem)
        parts.append(index == 0 ? graph.append("relu\(index)", .relu, part) : part)
      }
      graph.append(Graph.Node(name: "all", operation: .concatenation, inputs: parts))
    }
    try PrecisionTests.expectReference(graph, precision, allowance: 3)
  }

  @Test("A map may appear twice in a concatenation, and be read again")
  func repeated() throws {
    let graph = Self.network(channels: 16) { graph, stem in
      let twice = graph.append("twice", .concatenation, stem, stem)
      let back = graph.append("back", Self.convolution(16, 1), twice)
      graph.append("add", .add, back, stem)
    }
    try EngineTests.expectReference(graph)
  }

  @Test("Linear layers may follow each other, and weigh channels", arguments: precisions)
  func linearLayers(precision: Precision) throws {
    let graph = Self.network(channels: 16) { graph, stem in
      graph.append("squeeze", .globalAveragePool, stem)
      graph.append("fc1", .linear(Linear(outputs: 4)), graph.output)
      graph.append("relu1", .relu, graph.output)
      graph.append("fc2", .linear(Linear(outputs: 16)), graph.output)
      let gate = graph.append("gate", .elementwise(.sigmoid), graph.output)
      graph.append("scale", .multiply, stem, gate)
    }
    try PrecisionTests.expectReference(graph, precision, allowance: 3)
  }
}
