import ResNet
import Testing

@Suite struct ArchitectureTests {
  @Test(
    "Parameters are as many as torchvision counts",
    arguments: [
      ("resnet18", 11_689_512), ("resnet34", 21_797_672), ("resnet50", 25_557_032),
      ("resnet101", 44_549_160), ("resnet152", 60_192_808), ("resnext50_32x4d", 25_028_904),
      ("resnext101_32x8d", 88_791_336), ("resnext101_64x4d", 83_455_272),
      ("wide_resnet50_2", 68_883_240), ("wide_resnet101_2", 126_886_696),
    ])
  func parameterCount(name: String, expected: Int) throws {
    let architecture = try #require(Architecture.named(name))
    #expect(try NetworkSummary(Graph(architecture)).parameterCount == expected)
  }

  @Test(
    "CIFAR networks have the paper's parameters, in millions (Table 6)",
    arguments: [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7), (1202, 19.4)])
  func cifarParameterCount(depth: Int, millions: Double) throws {
    let architecture = try #require(Architecture.cifar(depth: depth))
    let count = try NetworkSummary(Graph(architecture)).parameterCount
    #expect(abs(Double(count) / 1e6 - millions) < 0.05)
  }

  @Test(
    "Multiply-adds of the paper's networks are those of Table 1, in 10^9",
    arguments: [
      ("resnet18", 1.8), ("resnet34", 3.6), ("resnet50", 3.8), ("resnet101", 7.6),
      ("resnet152", 11.3),
    ])
  func multiplyAdds(name: String, billions: Double) throws {
    var architecture = try #require(Architecture.named(name))
    architecture.stridePlacement = .in1x1
    let count = Double(try NetworkSummary(Graph(architecture)).multiplyAddCount) / 1e9
    #expect(abs(count - billions) < 0.1)
  }

  @Test("A basic block of 256 channels has 1,179,648 weights, Figure 5's bottleneck 69,632")
  func figure5() throws {
    let basic = try NetworkSummary(Graph(#require(Architecture.named("resnet34"))))
    let bottleneck = try NetworkSummary(Graph(#require(Architecture.named("resnet50"))))
    #expect(basic.blocks.first { $0.name == "layer3.1" }?.mainPathWeightCount == 1_179_648)
    #expect(bottleneck.blocks.first { $0.name == "layer1.1" }?.mainPathWeightCount == 69_632)
  }

  @Test(
    "Networks for 64x64 pixels keep ResNet-18's blocks behind a strided 3x3 convolution",
    arguments: [("resnet18-64", 11_271_432), ("resnet18-half-64", 2_846_440)])
  func smallNetworks(name: String, expected: Int) throws {
    let graph = try Graph(#require(Architecture.named(name)))
    #expect(try NetworkSummary(graph).parameterCount == expected)
    let shapes = try graph.shapes()
    for (stage, size) in [(1, 32), (2, 16), (3, 8), (4, 4)] {
      let last = try #require(graph.nodes.lastIndex { $0.name.hasPrefix("layer\(stage).") })
      #expect(shapes[last].height == size)
    }
  }

  @Test("A network with a global pool takes images of another size, one without does not")
  func resized() throws {
    let graph = try Graph(#require(Architecture.named("resnet20-cifar")))
    let resized = try #require(graph.resized(height: 48, width: 64))
    #expect(resized.inputShape == FeatureShape(channels: 3, height: 48, width: 64))
    #expect(try resized.parameterShapes() == graph.parameterShapes())
    var bound = Graph(input: FeatureShape(channels: 3, height: 4, width: 4))
    bound.append("fc", .linear(Linear(outputs: 2)), 0)
    #expect(bound.resized(height: 8, width: 8) == nil)
    #expect(bound.resized(height: 4, width: 4) == bound)
  }

  @Test("Feature maps halve from stage to stage as in Table 1", arguments: Architecture.knownNames)
  func stageSizes(name: String) throws {
    let graph = try Graph(#require(Architecture.named(name)))
    let shapes = try graph.shapes()
    for (stage, size) in [(1, 56), (2, 28), (3, 14), (4, 7)] {
      let last = try #require(graph.nodes.lastIndex { $0.name.hasPrefix("layer\(stage).") })
      #expect(shapes[last].height == size)
      #expect(shapes[last].width == size)
    }
  }

  @Test(
    "Unknown names give no network",
    arguments: [
      "", "resnet", "resnet19", "resnet21-cifar", "resnet2-cifar", "resnet-4-cifar",
      "resnet6008-cifar", "resnetx-cifar",
    ])
  func unknownNames(name: String) {
    #expect(Architecture.named(name) == nil)
  }

  @Test("Option A adds no parameters; C projects in every block")
  func shortcuts() throws {
    var architecture = try #require(Architecture.cifar(depth: 20))
    let plain = try Graph(architecture)
    #expect(plain.nodes.filter { $0.name.hasSuffix(".shortcut") }.count == 2)
    architecture.shortcut = .b
    let projections = try Graph(architecture).nodes.filter { $0.name.hasSuffix("downsample.0") }
    #expect(projections.map(\.name) == ["layer2.0.downsample.0", "layer3.0.downsample.0"])
    architecture.shortcut = .c
    let everywhere = try Graph(architecture).nodes.filter { $0.name.hasSuffix("downsample.0") }
    #expect(everywhere.count == 9)
  }

  @Test("The stride is in the first 1x1 for v1 and in the 3x3 for v1.5")
  func stridePlacement() throws {
    var architecture = try #require(Architecture.named("resnet50"))
    #expect(try Self.strides(of: "layer2.0", architecture) == [1, 2, 1])
    architecture.stridePlacement = .in1x1
    #expect(try Self.strides(of: "layer2.0", architecture) == [2, 1, 1])
  }

  @Test("Numbers outside their limits are refused by name")
  func limits() throws {
    var architecture = try #require(Architecture.named("resnet50"))
    architecture.widthPerGroup = .max / 2
    #expect(throws: GraphError.self) { try Graph(architecture) }
    architecture.widthPerGroup = 64
    architecture.stages = []
    #expect(
      throws: GraphError.outOfRange(
        what: "stage count", value: 0, allowed: 1...Architecture.stageCountLimit)
    ) { try Graph(architecture) }
    architecture.stages = [.init(blocks: 1, width: Architecture.widthLimit + 1)]
    #expect(throws: GraphError.self) { try Graph(architecture) }
  }

  private static func strides(of block: String, _ architecture: Architecture) throws -> [Int] {
    try Graph(architecture).nodes.compactMap { node in
      guard case .convolution(let convolution) = node.operation,
        node.name.hasPrefix("\(block).conv")
      else { return nil }
      return convolution.stride.height
    }
  }
}
