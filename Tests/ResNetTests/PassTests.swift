import ResNet
import Testing

@Suite struct PassTests {
  @Test(
    "All of a ResNet's normalisations, sums and rectifications end up in convolutions",
    arguments: Architecture.knownNames + ["resnet20-cifar"])
  func everythingFuses(name: String) throws {
    let graph = try Graph(#require(Architecture.named(name)))
    let fused = graph.foldingBatchNormalization().fusingActivations()
    for node in fused.nodes {
      switch node.operation {
      case .batchNormalization, .relu, .add: Issue.record("\(node.name) is left over")
      default: break
      }
    }
    #expect(try fused.shapes().last == graph.shapes().last)
    #expect(try fused.parameterShapes() == graph.parameterShapes())
  }

  @Test("A node that others were merged into has the name of the last one's result")
  func resultNames() throws {
    let graph = try Graph(#require(Architecture.cifar(depth: 8)))
    let fused = graph.foldingBatchNormalization().fusingActivations()
    let names = fused.nodes.map { [$0.name, $0.resultName] }
    #expect(names.contains(["conv1", "relu"]))
    #expect(names.contains(["layer1.0.conv1", "layer1.0.relu1"]))
    #expect(names.contains(["layer1.0.conv2", "layer1.0.relu"]))
    #expect(names.contains(["fc", "fc"]) && names[0] == ["input", "input"])
    #expect(graph.nodes.allSatisfy { $0.resultName == $0.name })
  }

  @Test("Outputs that are never below zero are found in one pass, however often a node is read")
  func signs() {
    var graph = Graph(input: FeatureShape(channels: 1, height: 2, width: 2))
    graph.append("relu", .relu, 0)
    for index in 0..<200 { graph.append("add\(index)", .add, graph.output, graph.output) }
    graph.append("mixed", .add, 0, graph.output)
    graph.append("clip", .elementwise(.clip(minimum: 0, maximum: 6)), graph.output)
    graph.append("mean", .globalAveragePool, graph.output)
    let signs = graph.nonnegativeOutputs()
    #expect(signs.prefix(3) == [false, true, true] && signs[201])
    #expect(signs.suffix(3) == [false, true, true])
  }

  @Test("A convolution that others read too keeps its normalisation apart")
  func sharedConvolution() throws {
    var graph = Graph(input: FeatureShape(channels: 1, height: 2, width: 2))
    let convolution = graph.append(
      "conv", .convolution(Convolution(outputChannels: 1, kernel: Extent(1))), 0)
    let normalized = graph.append("bn", .batchNormalization(BatchNormalization()), convolution)
    graph.append("add", .add, normalized, convolution)
    #expect(graph.foldingBatchNormalization() == graph)
  }

  @Test("The output of the network is never merged into a later node")
  func outputIsKept() {
    var graph = Graph(input: FeatureShape(channels: 1, height: 2, width: 2))
    graph.append("conv", .convolution(Convolution(outputChannels: 1, kernel: Extent(1))), 0)
    graph.append("relu", .relu, 1)
    let fused = graph.fusingActivations()
    #expect(fused.nodes.count == 2)
    #expect(fused.output == 1)
  }

  @Test("Folding is Algorithm 1: epsilon inside the root, running statistics")
  func foldedParameters() throws {
    var convolution = Convolution(outputChannels: 1, kernel: Extent(1))
    convolution.hasBias = true
    convolution.foldedNormalization = FoldedNormalization(
      name: "bn", parameters: BatchNormalization(epsilon: 0.25))
    var weights = Weights()
    for (name, shape, value) in [
      ("conv.weight", [1, 1, 1, 1], 3), ("conv.bias", [1], 5), ("bn.weight", [1], 2),
      ("bn.bias", [1], 7), ("bn.running_mean", [1], 11), ("bn.running_var", [1], 2),
    ] as [(String, [Int], Float)] {
      weights[name] = Tensor(shape: shape, storage: [value])
    }
    let folded = try FoldedParameters(convolution, named: "conv", weights: weights)
    // sqrt(2 + 0.25) = 1.5, so the scale is 2 / 1.5.
    #expect(folded.weight == [4])
    #expect(folded.bias == [Float((5.0 - 11.0) * 2 / 1.5 + 7)])
  }
}
