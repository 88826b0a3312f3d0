import ResNet
import Testing

/// Networks with another head.
@Suite struct GraphHeadTests {
  @Test("An architecture's graph gets as many outputs as asked for, and nothing else changes")
  func architecture() throws {
    var architecture = try #require(Architecture.named("resnet18"))
    let (graph, layer) = try Graph(architecture).withHead(outputs: 7)
    architecture.classCount = 7
    #expect(layer == "fc")
    #expect(try graph == Graph(architecture))
  }

  @Test("Convolutions of one pixel are heads too, and what follows a head goes")
  func convolution() throws {
    var graph = Graph(input: FeatureShape(channels: 3, height: 4, width: 4))
    let pooled = graph.append("pool", .globalAveragePool, 0)
    let head = graph.append(
      "head", .convolution(Convolution(outputChannels: 5, kernel: Extent(1))), pooled)
    graph.append("last", .relu, head)
    let (changed, layer) = try graph.withHead(outputs: 2)
    #expect(layer == "head" && changed.nodes.count == 3)
    #expect(try changed.outputShape == FeatureShape(channels: 2, height: 1, width: 1))
    #expect(try changed.parameterShapes() == ["head.weight": [2, 3], "head.bias": [2]])
  }

  @Test("A head of two layers follows the features, and has features of its own")
  func hidden() throws {
    let architecture = try #require(Architecture.named("resnet18"))
    let (graph, hidden, layer) = try Graph(architecture).withHead(hidden: 9, outputs: 4)
    #expect((hidden, layer) == ("fc.0", "fc.2"))
    let shapes = try graph.parameterShapes()
    #expect(shapes["fc.0.weight"] == [9, 512] && shapes["fc.2.weight"] == [4, 9])
    #expect(shapes["fc.weight"] == nil)
    #expect(try graph.featureNode() == graph.output - 1)
    #expect(try graph.withHead(outputs: 3).layer == "fc.2")
  }

  @Test("A network without a linear layer has no head")
  func missing() throws {
    var graph = Graph(input: FeatureShape(channels: 3, height: 4, width: 4))
    graph.append("pool", .globalAveragePool, 0)
    #expect(throws: FeatureFault.noLinearLayer(node: "pool")) { try graph.withHead(outputs: 2) }
  }
}
