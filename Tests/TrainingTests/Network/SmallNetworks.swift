import ResNet

/// Networks of few channels that between them have every operation that can be trained.
enum SmallNetworks {
  static let names = [
    "option A", "option A, centred", "option B", "option C", "bottleneck v1", "bottleneck v1.5",
    "ImageNet stem", "grouped", "sixteen channels", "odd maps", "odd channels", "pre-activation",
    "average pooling", "biases and dilation", "linear over pixels", "two shortcuts",
    "sum of rectified",
  ]

  static func graph(_ name: String) throws -> Graph {
    switch name {
    case "option A": try Graph(architecture(.basic, .a))
    case "option A, centred":
      try {
        var architecture = architecture(.basic, .a)
        architecture.zeroChannels = .centered
        return try Graph(architecture)
      }()
    case "option B": try Graph(architecture(.basic, .b))
    case "option C": try Graph(architecture(.basic, .c))
    case "bottleneck v1":
      try {
        var architecture = architecture(.bottleneck, .b)
        architecture.stridePlacement = .in1x1
        return try Graph(architecture)
      }()
    case "bottleneck v1.5": try Graph(architecture(.bottleneck, .b))
    case "ImageNet stem":
      try Graph(
        Architecture(
          stem: .imageNet, block: .basic, stages: [.init(blocks: 1, width: 8)], shortcut: .b,
          classCount: 5, inputSize: 20))
    case "grouped":
      try {
        var architecture = architecture(.bottleneck, .b)
        architecture.groups = 4
        architecture.widthPerGroup = 32
        return try Graph(architecture)
      }()
    case "sixteen channels": try Graph(architecture(.basic, .b, width: 16))
    case "odd maps": oddMaps
    case "odd channels": try Graph(architecture(.basic, .b, width: 5))
    case "pre-activation": preActivation
    case "average pooling": averagePooling
    case "biases and dilation": biases
    case "linear over pixels": linearOverPixels
    case "two shortcuts": twoShortcuts
    case "sum of rectified": sumOfRectified
    default: preconditionFailure("the network must be one of the names")
    }
  }

  private static func architecture(
    _ block: Architecture.Block, _ shortcut: Architecture.Shortcut, width: Int = 8
  ) -> Architecture {
    Architecture(
      stem: .cifar, block: block,
      stages: [.init(blocks: 2, width: width), .init(blocks: 1, width: 2 * width)],
      shortcut: shortcut, classCount: 5, inputSize: 8)
  }

  private static func convolution(
    _ channels: Int, _ kernel: Int, stride: Int = 1
  ) -> Convolution {
    var convolution = Convolution(outputChannels: channels, kernel: Extent(kernel))
    convolution.padding = Padding(kernel / 2)
    convolution.stride = Extent(stride)
    return convolution
  }

  private static var start: Graph {
    var graph = Graph(input: FeatureShape(channels: 3, height: 8, width: 8))
    graph.append("conv1", .convolution(convolution(8, 3)), 0)
    return graph
  }

  private static func ended(_ graph: Graph) -> Graph {
    var graph = graph
    graph.append("avgpool", .globalAveragePool, graph.output)
    graph.append("fc", .linear(Linear(outputs: 5)), graph.output)
    return graph
  }

  /// He et al. 2016, Figure 1 (b): normalisations read a sum that the next one reads too.
  private static var preActivation: Graph {
    var graph = start
    for block in ["layer1.0", "layer1.1"] {
      let input = graph.output
      graph.append("\(block).bn1", .batchNormalization(BatchNormalization()), input)
      graph.append("\(block).relu1", .relu, graph.output)
      graph.append("\(block).conv1", .convolution(convolution(8, 3)), graph.output)
      graph.append("\(block).bn2", .batchNormalization(BatchNormalization()), graph.output)
      graph.append("\(block).relu2", .relu, graph.output)
      graph.append("\(block).conv2", .convolution(convolution(8, 3)), graph.output)
      graph.append("\(block).add", .add, graph.output, input)
    }
    graph.append("bn", .batchNormalization(BatchNormalization()), graph.output)
    graph.append("relu", .relu, graph.output)
    return ended(graph)
  }

  /// ResNet-D's shortcut: the mean of four pixels, then a 1x1 convolution.
  private static var averagePooling: Graph {
    var graph = start
    let input = graph.append("relu", .relu, graph.output)
    var pooling = Pooling(window: Extent(3), stride: Extent(2), padding: Padding(1))
    pooling.countsPadding = false
    graph.append("pool", .averagePool(pooling), input)
    graph.append("downsample", .convolution(convolution(12, 1)), graph.output)
    let shortcut = graph.append(
      "downsample.bn", .batchNormalization(BatchNormalization()), graph.output)
    graph.append("conv2", .convolution(convolution(12, 3, stride: 2)), input)
    graph.append("bn2", .batchNormalization(BatchNormalization()), graph.output)
    graph.append("add", .add, graph.output, shortcut)
    graph.append("relu2", .relu, graph.output)
    pooling.countsPadding = true
    graph.append("pool2", .averagePool(pooling), graph.output)
    return ended(graph)
  }

  private static var biases: Graph {
    var graph = start
    var convolution = convolution(8, 3)
    convolution.hasBias = true
    convolution.dilation = Extent(2)
    convolution.padding = Padding(2)
    graph.append("relu1", .relu, graph.output)
    graph.append("conv2", .convolution(convolution), graph.output)
    graph.append("relu2", .relu, graph.output)
    var strided = Convolution(outputChannels: 6, kernel: Extent(height: 1, width: 3))
    strided.stride = Extent(height: 2, width: 1)
    strided.padding = Padding(
      before: Extent(height: 0, width: 1), after: Extent(height: 0, width: 0))
    strided.hasBias = true
    graph.append("conv3", .convolution(strided), graph.output)
    graph.append("bn3", .batchNormalization(BatchNormalization()), graph.output)
    return ended(graph)
  }

  /// Maps of sizes that four does not divide, by paddings of 0 to 2.
  private static var oddMaps: Graph {
    var graph = Graph(input: FeatureShape(channels: 3, height: 11, width: 10))
    graph.append("conv1", .convolution(convolution(16, 3)), 0)
    for (index, padding) in [0, 2, 1].enumerated() {
      var convolution = convolution(index == 1 ? 32 : 16, 3)
      convolution.padding = Padding(padding)
      graph.append("bn\(index + 1)", .batchNormalization(BatchNormalization()), graph.output)
      graph.append("relu\(index + 1)", .relu, graph.output)
      graph.append("conv\(index + 2)", .convolution(convolution), graph.output)
    }
    return ended(graph)
  }

  private static var linearOverPixels: Graph {
    var graph = start
    graph.append("bn1", .batchNormalization(BatchNormalization()), graph.output)
    graph.append("relu1", .relu, graph.output)
    let pooling = Pooling(window: Extent(2), stride: Extent(2))
    graph.append("pool", .maxPool(pooling), graph.output)
    graph.append("fc1", .linear(Linear(outputs: 9)), graph.output)
    graph.append("bn2", .batchNormalization(BatchNormalization()), graph.output)
    graph.append("relu2", .relu, graph.output)
    var last = Linear(outputs: 5)
    last.hasBias = false
    graph.append("fc2", .linear(last), graph.output)
    return graph
  }

  /// A sum without ReLU or normalisation that two other sums read.
  private static var twoShortcuts: Graph {
    var graph = start
    let first = graph.output
    let second = graph.append("conv2", .convolution(convolution(8, 3)), first)
    let sum = graph.append("add1", .add, first, second)
    graph.append("relu", .relu, sum)
    let third = graph.append("conv3", .convolution(convolution(8, 1)), graph.output)
    let fourth = graph.append("add2", .add, third, sum)
    graph.append("add3", .add, fourth, sum)
    graph.append("relu3", .relu, graph.output)
    return ended(graph)
  }

  /// Both terms are results of a ReLU, and one value is added to itself.
  private static var sumOfRectified: Graph {
    var graph = start
    let first = graph.append("relu1", .relu, graph.output)
    graph.append("conv2", .convolution(convolution(8, 3)), first)
    graph.append("bn2", .batchNormalization(BatchNormalization()), graph.output)
    let second = graph.append("relu2", .relu, graph.output)
    let sum = graph.append("add", .add, first, second)
    graph.append("conv3", .convolution(convolution(4, 1, stride: 2)), sum)
    graph.append("bn3", .batchNormalization(BatchNormalization()), graph.output)
    graph.append("double", .add, graph.output, graph.output)
    return ended(graph)
  }
}
