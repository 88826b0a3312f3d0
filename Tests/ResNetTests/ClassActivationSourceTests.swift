import ResNet
import Testing

/// Parts of networks that class activation maps are made of.
@Suite struct ClassActivationSourceTests {
  @Test("The paper's networks average over the map of their last stage")
  func architecture() throws {
    let graph = try Graph(#require(Architecture.named("resnet50")))
    let source = try graph.classActivationSource()
    #expect(source.layer == "fc")
    #expect(source.shape == FeatureShape(channels: 2048, height: 7, width: 7))
    #expect(graph.nodes[source.map].name.hasPrefix("layer4.2"))
  }

  @Test("A window as large as the map is an average over it, and a 1x1 convolution a linear layer")
  func window() throws {
    var graph = Graph(input: FeatureShape(channels: 3, height: 6, width: 4))
    let first = graph.append("first", .relu, 0)
    let window = Extent(height: 6, width: 4)
    let pooled = graph.append(
      "pool", .averagePool(Pooling(window: window, stride: window)), first)
    graph.append(
      "head", .convolution(Convolution(outputChannels: 5, kernel: Extent(1))), pooled)
    let source = try graph.classActivationSource()
    #expect((source.map, source.layer) == (first, "head"))
  }

  @Test("What shows no place says why")
  func faults() throws {
    let paper = try Graph(#require(Architecture.named("resnet18")))
    let (hidden, _, _) = try paper.withHead(hidden: 9, outputs: 4)
    #expect(throws: ClassActivationFault.noAverage(node: "fc.1")) {
      try hidden.classActivationSource()
    }
    var later = paper
    later.append("last", .relu, paper.output)
    #expect(throws: ClassActivationFault.laterLayers(node: "last")) {
      try later.classActivationSource()
    }
    var pixel = Graph(input: FeatureShape(channels: 3, height: 1, width: 1))
    let pooled = pixel.append("pool", .globalAveragePool, pixel.append("first", .relu, 0))
    pixel.append("head", .linear(Linear(outputs: 2)), pooled)
    #expect(throws: ClassActivationFault.onePixel) { try pixel.classActivationSource() }
    for (kernel, groups) in [(3, 1), (1, 3)] {
      var graph = Graph(input: FeatureShape(channels: 3, height: 4, width: 4))
      var head = Convolution(outputChannels: 6, kernel: Extent(kernel))
      head.padding = Padding(kernel / 2)
      head.groups = groups
      let pooled = graph.append("pool", .globalAveragePool, graph.append("first", .relu, 0))
      graph.append("head", .convolution(head), pooled)
      #expect(throws: ClassActivationFault.noMatrix(node: "head")) {
        try graph.classActivationSource()
      }
    }
    var map = Graph(input: FeatureShape(channels: 3, height: 4, width: 4))
    map.append("head", .linear(Linear(outputs: 2)), map.append("first", .relu, 0))
    #expect(throws: ClassActivationFault.noAverage(node: "first")) {
      try map.classActivationSource()
    }
  }
}
