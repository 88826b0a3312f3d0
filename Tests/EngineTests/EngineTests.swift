import Engine
import Numbers
import ResNet
import Testing

/// Small graphs of every operation, compared with the interpreter.
@Suite struct EngineTests {
  /// Tolerance, relative to the largest output.
  static let tolerance = 1e-5

  @Test(
    "An image's logits are the same to the bit at each place of each batch",
    arguments: ["resnet20-cifar", "resnet18"])
  func places(name: String) throws {
    var architecture = try #require(Architecture.named(name))
    (architecture.inputSize, architecture.classCount) = (40, 203)
    let graph = try Graph(architecture)
    var options = CompilationOptions()
    options.batchSizes = [1, 2, 4, 8]
    let network = try CompiledNetwork(graph, .random(for: graph), options: options)
    let context = try ExecutionContext(network)
    let image = ReproducibleNumbers("image").values(
      count: network.inputShape.elementCount, from: -2, to: 2)
    let alone = try context.logits(of: image, count: 1)
    for count in 2...15 {
      let images = (0..<count).flatMap { _ in image }
      let logits = try context.logits(of: images, count: count)
      #expect(logits == (0..<count).flatMap { _ in alone }, "\(count)")
    }
  }

  @Test("Random convolutions give the reference's sums", arguments: 0..<60)
  func convolutions(seed: Int) throws {
    var dice = Dice("convolution \(seed)")
    let groups = dice.pick([1, 1, 1, 2, 4])
    let input = FeatureShape(
      channels: groups * dice.pick([1, 3, 8, 16, 24]), height: dice.pick([1, 5, 7, 14, 17]),
      width: dice.pick([3, 6, 7, 14, 19]))
    let kernel = dice.pick([1, 3, 3, 3, 5])
    var convolution = Convolution(
      outputChannels: groups * dice.pick([1, 5, 8, 16, 32]), kernel: Extent(kernel))
    convolution.groups = groups
    convolution.stride = Extent(dice.pick([1, 1, 2, 3]))
    convolution.padding = Padding(kernel / 2)
    convolution.hasBias = dice.pick([true, false])
    var graph = Graph(input: input)
    var output = graph.append("conv", .convolution(convolution), 0)
    if dice.pick([true, false]) {
      output = graph.append("bn", .batchNormalization(BatchNormalization()), output)
    }
    if dice.pick([true, false]) { graph.append("relu", .relu, output) }
    try Self.expectReference(graph, winograd: dice.pick(WinogradPolicy.allCases))
  }

  @Test(
    "Residual blocks of both kinds and all shortcuts give the reference's logits",
    arguments: [Architecture.Block.basic, .bottleneck], [Architecture.Shortcut.a, .b, .c])
  func blocks(block: Architecture.Block, shortcut: Architecture.Shortcut) throws {
    for zeroChannels in [Architecture.ZeroChannels.trailing, .centered] {
      var architecture = Architecture(
        stem: .cifar, block: block,
        stages: [.init(blocks: 2, width: 8), .init(blocks: 2, width: 16)],
        shortcut: shortcut, classCount: 7, inputSize: 9)
      architecture.zeroChannels = zeroChannels
      // A bottleneck's first block widens at stride 1: option A pads there as well.
      try Self.expectReference(Graph(architecture))
    }
  }

  @Test("The ImageNet stem and pooling give the reference's logits", arguments: [31, 32, 33])
  func stem(size: Int) throws {
    let architecture = Architecture(
      stem: .imageNet, block: .bottleneck, stages: [.init(blocks: 1, width: 8)], shortcut: .b,
      classCount: 5, inputSize: size)
    try Self.expectReference(Graph(architecture))
  }

  @Test("Operations that are not fused into others run by themselves")
  func unfused() throws {
    var graph = Graph(input: FeatureShape(channels: 16, height: 6, width: 6))
    let normalized = graph.append("bn", .batchNormalization(BatchNormalization()), 0)
    let rectified = graph.append("relu", .relu, normalized)
    let sum = graph.append("add", .add, rectified, 0)
    let doubled = graph.append("add2", .add, sum, sum)
    var pooling = Pooling(window: Extent(3), stride: Extent(2), padding: Padding(1))
    let counted = graph.append("pool", .averagePool(pooling), doubled)
    pooling.countsPadding = false
    let averaged = graph.append("pool2", .averagePool(pooling), doubled)
    graph.append("add3", .add, counted, averaged)
    try Self.expectReference(graph)
  }

  @Test("A residual that is read again later survives the sum made from it")
  func residualReadAgain() throws {
    let shape = FeatureShape(channels: 16, height: 8, width: 8)
    var graph = Graph(input: shape)
    let convolution = Operation.convolution(Convolution(outputChannels: 16, kernel: Extent(1)))
    let first = graph.append("conv1", convolution, 0)
    let second = graph.append("conv2", convolution, first)
    let sum = graph.append("add", .add, second, first)
    let third = graph.append("conv3", convolution, first)
    let last = graph.append("add2", .add, third, sum)
    graph.append("add3", .add, last, first)
    try Self.expectReference(graph)
  }

  @Test("A convolution added to its own input gives the reference's sum")
  func residualIsSource() throws {
    var graph = Graph(input: FeatureShape(channels: 16, height: 8, width: 8))
    let first = graph.append(
      "conv1", .convolution(Convolution(outputChannels: 16, kernel: Extent(1))), 0)
    let second = graph.append(
      "conv2", .convolution(Convolution(outputChannels: 16, kernel: Extent(1))), first)
    graph.append("add", .add, second, first)
    try Self.expectReference(graph)
  }

  @Test("Weights that do not fit the graph are refused")
  func misshapenWeights() throws {
    let graph = try Graph(#require(Architecture.cifar(depth: 8)))
    var weights = try Weights.random(for: graph)
    weights["conv1.weight"] = nil
    #expect(throws: EngineError.self) { try CompiledNetwork(graph, weights) }
  }

  @Test(
    "An image's logits are the same whatever its place and neighbours",
    arguments: [1, 2, 3, 5, 8, 11])
  func neighbours(count: Int) throws {
    let graph = try Graph(#require(Architecture.cifar(depth: 20)))
    var options = CompilationOptions()
    options.batchSizes = [1, 4, 8]
    let network = try CompiledNetwork(graph, .random(for: graph), options: options)
    let context = try ExecutionContext(network)
    let size = network.inputShape.elementCount
    let images = ReproducibleNumbers("neighbours").values(count: count * size, from: -2, to: 2)
    let together = try context.logits(of: images, count: count)
    for image in 0..<count {
      let alone = try context.logits(of: Array(images[image * size..<(image + 1) * size]), count: 1)
      let inBatch = together[image * 10..<(image + 1) * 10]
      let largest = try #require(alone.map(abs).max())
      for (a, b) in zip(alone, inBatch) { #expect(abs(a - b) <= 1e-6 * largest) }
    }
  }

  @Test("A team gives the logits that its context's thread alone gives, over the same weights")
  func team() throws {
    let graph = try Graph(#require(Architecture.cifar(depth: 20)))
    let weights = try Weights.random(for: graph)
    var options = CompilationOptions()
    options.batchSizes = [1, 4]
    let plain = try CompiledNetwork(graph, weights, options: options)
    options.teamThreads = 2
    let network = try CompiledNetwork(graph, weights, options: options)
    #expect(network.weightByteCount == plain.weightByteCount)
    #expect(!(try ExecutionContext(network).hasTeam))
    let context = try ExecutionContext(network, team: true)
    let count = 5
    let images = ReproducibleNumbers("team").values(
      count: count * network.inputShape.elementCount, from: -2, to: 2)
    let alone = try context.logits(of: images, count: count)
    var onTeam = [Float](repeating: .nan, count: alone.count)
    var unused = onTeam
    for _ in 0..<3 {
      var span = onTeam.mutableSpan
      var other = unused.mutableSpan
      let ends = try context.runOnTeam(
        imageCount: count, input: unsafe images.span.bytes, logits: &span)
      #expect(ends)
      let givesUp = try !context.runOnTeam(
        imageCount: count, input: unsafe images.span.bytes, logits: &other,
        until: .now - .seconds(1))
      #expect(givesUp)
      let largest = try #require(alone.map(abs).max())
      for (a, b) in zip(alone, onTeam) { #expect(abs(a - b) <= 1e-6 * largest) }
      #expect(try context.logits(of: images, count: count) == alone)
    }
  }

  /// Compiles for batches of 1 and 2 and compares three images.
  static func expectReference(
    _ graph: Graph, winograd: WinogradPolicy = .measured,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let weights = try Weights.random(for: graph)
    var options = CompilationOptions()
    options.batchSizes = [1, 2]
    options.winograd = winograd
    let context = try ExecutionContext(CompiledNetwork(graph, weights, options: options))
    let size = context.network.inputShape.elementCount
    let images = ReproducibleNumbers("images").values(count: 3 * size, from: -2, to: 2)
    let logits = try context.logits(of: images, count: 3).map(Double.init)
    let reference = try ReferenceInterpreter(graph, weights)
    let expected = (0..<3).flatMap { image in
      reference.run(images[image * size..<(image + 1) * size].map(Double.init))
    }
    try #require(logits.count == expected.count, sourceLocation: sourceLocation)
    let largest = expected.map(abs).max() ?? 0
    let difference = zip(logits, expected).map { $0.isFinite ? abs($0 - $1) : .infinity }.max() ?? 0
    #expect(difference <= tolerance * largest, sourceLocation: sourceLocation)
  }
}

/// Random choices that are the same in every run.
struct Dice {
  private let numbers: ReproducibleNumbers
  private var index = 0

  init(_ name: String) { numbers = ReproducibleNumbers(name) }

  mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
    defer { index += 1 }
    return choices[Int(numbers.fraction(index) * Float(choices.count))]
  }
}
