import ResNet
import Testing

/// Names by which others find a node's output, and the node of a network's features.
@Suite struct GraphNamesTests {
  private func graph(_ name: String = "resnet50") throws -> Graph {
    try Graph(#require(Architecture.named(name)))
  }

  private func names(_ name: String, in graph: Graph) -> [String] {
    graph.outputs(named: name).map { graph.nodes[$0].name }
  }

  @Test(
    "A module's name is that of what others read of it",
    arguments: [
      ("layer4", "layer4.2.relu"), ("layer3.0", "layer3.0.relu"),
      ("layer1.0.downsample", "layer1.0.downsample.1"), ("layer3.0.relu", "layer3.0.relu"),
      ("layer2.0.bn3", "layer2.0.bn3"), ("conv1", "conv1"), ("avgpool", "avgpool"), ("fc", "fc"),
    ])
  func modules(name: String, node: String) throws {
    #expect(names(name, in: try graph()) == [node])
  }

  @Test(
    "What is neither a node nor a module has no output",
    arguments: ["", ".", "/", "layer", "layer5", "layer4.9", "layer4.2.relu.x", "input", "Layer4"])
  func unknown(name: String) throws {
    #expect(names(name, in: try graph()) == [])
  }

  /// A block as PyTorch's exporter names it, with parameters' names for convolutions.
  private func exported() -> Graph {
    var graph = Graph(input: FeatureShape(channels: 4, height: 8, width: 8))
    let convolution = Operation.convolution(Convolution(outputChannels: 4, kernel: Extent(1)))
    let stem = graph.append("/relu/Relu", .relu, 0)
    var last = graph.append("layer1.0.conv1", convolution, stem)
    last = graph.append("/layer1/layer1.0/relu/Relu", .relu, last)
    last = graph.append("/layer1/layer1.0/conv2/Conv", convolution, last)
    let shortcut = graph.append("/layer1/layer1.0/downsample/downsample.0/Conv", convolution, stem)
    last = graph.append("/layer1/layer1.0/Add", .add, last, shortcut)
    last = graph.append("/layer1/layer1.0/relu_1/Relu", .relu, last)
    last = graph.append("/avgpool/GlobalAveragePool", .globalAveragePool, last)
    graph.append("fc", .linear(Linear(outputs: 3)), last)
    return graph
  }

  @Test(
    "The names of an exporter belong to modules too",
    arguments: [
      ("layer1", "/layer1/layer1.0/relu_1/Relu"), ("layer1.0", "/layer1/layer1.0/relu_1/Relu"),
      ("/layer1/layer1.0", "/layer1/layer1.0/relu_1/Relu"), ("relu", "/relu/Relu"),
      ("layer1.0.relu", "/layer1/layer1.0/relu/Relu"), ("layer1.0.conv1", "layer1.0.conv1"),
      ("layer1.0.downsample.0", "/layer1/layer1.0/downsample/downsample.0/Conv"),
      ("avgpool", "/avgpool/GlobalAveragePool"),
    ])
  func slashes(name: String, node: String) {
    #expect(names(name, in: exported()) == [node])
  }

  @Test("A module that others read twice has two outputs")
  func several() {
    var graph = Graph(input: FeatureShape(channels: 4, height: 2, width: 2))
    let first = graph.append("branch.a", .relu, 0)
    let second = graph.append("branch.b", .globalAveragePool, first)
    graph.append("scale", .multiply, first, second)
    #expect(names("branch", in: graph) == ["branch.a", "branch.b"])
  }

  @Test("Around a wrong name are those of the module that is right")
  func around() throws {
    let graph = try graph("resnet18")
    let whole = graph.names(around: "layer5")
    #expect(whole.module == "")
    let outermost = [
      "conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc",
    ]
    #expect(whole.names == outermost)
    let stage = graph.names(around: "layer3.7.relu")
    #expect(stage.module == "layer3" && stage.names == ["layer3.0", "layer3.1"])
    #expect(graph.names(around: "avgpool.x").names == outermost)
  }

  @Test(
    "The features of the residual family are what global pooling gives",
    arguments: [
      ("resnet18", 512), ("resnet50", 2048), ("resnext50_32x4d", 2048), ("resnet20-cifar", 64),
    ])
  func features(name: String, count: Int) throws {
    let graph = try graph(name)
    let node = try graph.featureNode()
    #expect(graph.nodes[node].name == "avgpool")
    #expect(try graph.shapes()[node] == FeatureShape(channels: count, height: 1, width: 1))
  }

  @Test("Of several linear layers the last one counts, and a convolution of one pixel is one")
  func heads() throws {
    var graph = Graph(input: FeatureShape(channels: 4, height: 8, width: 8))
    let pooled = graph.append("pool", .globalAveragePool, 0)
    let first = graph.append("first", .linear(Linear(outputs: 6)), pooled)
    let hidden = graph.append("relu", .relu, first)
    let second = graph.append(
      "second", .convolution(Convolution(outputChannels: 3, kernel: Extent(1))), hidden)
    #expect(try graph.featureNode() == hidden)
    graph.append("scale", .batchNormalization(BatchNormalization()), second)
    #expect(try graph.featureNode() == hidden)
  }

  @Test("A network without one last linear layer has none, and says what it ends in")
  func faults() {
    var mean = Graph(input: FeatureShape(channels: 4, height: 8, width: 8))
    let convolution = Operation.convolution(Convolution(outputChannels: 3, kernel: Extent(1)))
    mean.append("classes", convolution, 0)
    let map = mean.append("pool", .globalAveragePool, 1)
    #expect(throws: FeatureFault.noLinearLayer(node: "pool")) { try mean.featureNode() }
    let first = mean.append("first", .linear(Linear(outputs: 2)), map)
    let second = mean.append("second", .linear(Linear(outputs: 2)), map)
    mean.append("sum", .add, first, second)
    #expect(throws: FeatureFault.noLinearLayer(node: "sum")) { try mean.featureNode() }
    var single = Graph(input: FeatureShape(channels: 4, height: 1, width: 1))
    single.append("only", .linear(Linear(outputs: 2)), 0)
    #expect(throws: FeatureFault.noLayerBefore(node: "only")) { try single.featureNode() }
    var wide = Graph(input: FeatureShape(channels: 65, height: 32, width: 32))
    let wideMap = wide.append("relu", .relu, 0)
    wide.append("fc", .linear(Linear(outputs: 2)), wideMap)
    #expect(throws: FeatureFault.tooMany(count: 66_560)) { try wide.featureNode() }
  }
}
