extension Graph {
  /// Unrolls an architecture with torchvision's names; convolution and normalisation stay separate
  /// nodes.
  package init(_ architecture: Architecture) throws(GraphError) {
    try architecture.validate()
    let size = architecture.inputSize
    self.init(input: FeatureShape(channels: 3, height: size, width: size))
    var builder = BlockBuilder(architecture: architecture, graph: self)
    builder.appendStem()
    for (index, stage) in architecture.stages.enumerated() {
      for block in 0..<stage.blocks {
        let strides = block == 0 && index > 0
        builder.appendBlock("layer\(index + 1).\(block)", stage: stage, stride: strides ? 2 : 1)
      }
    }
    self = builder.graph
    append("avgpool", .globalAveragePool, output)
    append("fc", .linear(Linear(outputs: architecture.classCount)), output)
    _ = try shapes()
  }
}

/// Appends stem and blocks to a graph, and tracks how many channels the last output has.
private struct BlockBuilder {
  let architecture: Architecture
  var graph: Graph
  private var channels = 3

  init(architecture: Architecture, graph: Graph) {
    self.architecture = architecture
    self.graph = graph
  }

  mutating func appendStem() {
    switch architecture.stem {
    case .imageNet:
      channels = 64
      normalized("conv1", "bn1", channels: 64, kernel: 7, stride: 2, from: graph.output)
      graph.append("relu", .relu, graph.output)
      let pooling = Pooling(window: Extent(3), stride: Extent(2), padding: Padding(1))
      graph.append("maxpool", .maxPool(pooling), graph.output)
    case .cifar, .strided:
      channels = architecture.stages[0].width
      let stride = architecture.stem == .strided ? 2 : 1
      normalized("conv1", "bn1", channels: channels, kernel: 3, stride: stride, from: graph.output)
      graph.append("relu", .relu, graph.output)
    }
  }

  /// Appends a residual block (Figures 2 and 5). The shortcut comes first, so that the sum can be
  /// fused into the main path's last convolution.
  mutating func appendBlock(_ name: String, stage: Architecture.Stage, stride: Int) {
    let input = graph.output
    let outputChannels = stage.width * architecture.block.expansion
    let shortcut = appendShortcut(name, channels: outputChannels, stride: stride)
    let inner = architecture.innerWidth(of: stage)
    let last: Graph.NodeID
    switch architecture.block {
    case .basic:
      rectified("\(name).", 1, channels: inner, kernel: 3, stride: stride, from: input)
      last = normalized(
        "\(name).conv2", "\(name).bn2", channels: outputChannels, kernel: 3, stride: 1,
        from: graph.output)
    case .bottleneck:
      let stridesFirst = architecture.stridePlacement == .in1x1
      rectified(
        "\(name).", 1, channels: inner, kernel: 1, stride: stridesFirst ? stride : 1, from: input)
      rectified(
        "\(name).", 2, channels: inner, kernel: 3, stride: stridesFirst ? 1 : stride,
        from: graph.output, groups: architecture.groups)
      last = normalized(
        "\(name).conv3", "\(name).bn3", channels: outputChannels, kernel: 1, stride: 1,
        from: graph.output)
    }
    graph.append("\(name).add", .add, last, shortcut)
    graph.append("\(name).relu", .relu, graph.output)
    channels = outputChannels
  }

  private mutating func appendShortcut(
    _ name: String, channels outputChannels: Int, stride: Int
  ) -> Graph.NodeID {
    let input = graph.output
    let changesShape = stride != 1 || channels != outputChannels
    switch architecture.shortcut {
    case .a where changesShape:
      let added = outputChannels - channels
      let leading = architecture.zeroChannels == .centered ? added / 2 : 0
      let padding = PaddedShortcut(
        channels: outputChannels, stride: stride, leadingZeroChannels: leading)
      return graph.append("\(name).shortcut", .paddedShortcut(padding), input)
    case .b where changesShape, .c:
      return normalized(
        "\(name).downsample.0", "\(name).downsample.1", channels: outputChannels, kernel: 1,
        stride: stride, from: input)
    case .a, .b: return input
    }
  }

  private mutating func rectified(
    _ prefix: String, _ index: Int, channels: Int, kernel: Int, stride: Int,
    from input: Graph.NodeID, groups: Int = 1
  ) {
    normalized(
      "\(prefix)conv\(index)", "\(prefix)bn\(index)", channels: channels, kernel: kernel,
      stride: stride, from: input, groups: groups)
    graph.append("\(prefix)relu\(index)", .relu, graph.output)
  }

  @discardableResult
  private mutating func normalized(
    _ convolutionName: String, _ normalizationName: String, channels: Int, kernel: Int,
    stride: Int, from input: Graph.NodeID, groups: Int = 1
  ) -> Graph.NodeID {
    var convolution = Convolution(outputChannels: channels, kernel: Extent(kernel))
    convolution.stride = Extent(stride)
    convolution.padding = Padding(kernel / 2)
    convolution.groups = groups
    graph.append(convolutionName, .convolution(convolution), input)
    let normalization = BatchNormalization(epsilon: architecture.normalizationEpsilon)
    return graph.append(normalizationName, .batchNormalization(normalization), graph.output)
  }
}
