import Engine
import Numbers
import ResNet
import Testing

/// No plan uses oneDNN's reference loops, which it always offers and which take 50 to 300 times as
/// long.
@Suite struct PlainLoopTests {
  /// Two blocks of each stage are all kinds of layers that the deeper networks of a family have.
  /// Multiply-adds that plain loops may do, as COneDNN has it; a function of one number counts as
  /// 16.
  private static let workLimit = 1 << 16

  private static func bottlenecks(_ size: Int) -> Architecture {
    let isSmall = size == 32
    return Architecture(
      stem: isSmall ? .cifar : .imageNet, block: .bottleneck,
      stages: (isSmall ? [16, 32, 64] : [64, 128, 256, 512]).map { .init(blocks: 2, width: $0) },
      shortcut: .b, classCount: isSmall ? 10 : 1000, inputSize: size)
  }

  @Test(
    "Networks of the family have none, in any batch, on one thread, on two, and on a team",
    arguments: [
      "resnet18", "resnet20-cifar", "bottlenecks 224", "bottlenecks 160", "bottlenecks 32",
    ])
  func family(name: String) throws {
    let size = name.split(separator: " ").last.flatMap { Int($0) }
    let architecture = try size.map(Self.bottlenecks) ?? #require(Architecture.named(name))
    let graph = try Graph(architecture)
    let weights = try Weights.random(for: graph)
    for precision in Precision.allCases where precision.isSupported {
      for threads in [1, 2] {
        var options = CompilationOptions()
        options.batchSizes = threads == 1 ? Array(1...8) : [1, 2, 4, 8]
        options.threads = threads
        options.teamThreads = threads == 1 ? 2 : nil
        options.precision = precision
        options.input = .pixels
        options.calibration = try Self.calibration(graph)
        let network = try CompiledNetwork(graph, weights, options: options)
        let steps = network.batchSizes.flatMap { network.steps(batch: $0) } + network.teamSteps
        #expect(steps.count > 8 * options.batchSizes.count)
        #expect(network.referenceStepCount == 0, "\(precision), \(threads) threads")
        #expect(steps.allSatisfy { !$0.isReference && !$0.implementation.hasPrefix("ref") })
      }
    }
  }

  /// Calibration with equal ranges: layouts and loops do not depend on them.
  private static func calibration(_ graph: Graph) throws -> Calibration {
    var ranges: [String: Float] = [:]
    for node in graph.nodes { ranges[node.name] = 4 }
    return Calibration(method: "made up", ranges: ranges)
  }

  /// Convolutions whose output channels oneDNN divides differently for two threads, or for another
  /// batch.
  static let cuts = [(16, 512, 7), (32, 1024, 9), (64, 512, 14), (128, 2048, 8), (16, 2048, 37)]

  @Test(
    "Weights that another number of threads cannot take as they lie are packed again for it",
    arguments: cuts)
  func sharedWeights(inputs: Int, outputs: Int, size: Int) throws {
    var graph = Graph(input: FeatureShape(channels: inputs, height: size, width: size))
    graph.append("conv", .convolution(Convolution(outputChannels: outputs, kernel: Extent(1))), 0)
    graph.append("pool", .globalAveragePool, graph.output)
    let weights = try Weights.random(for: graph)
    for batches in [[1], [8, 4, 2, 1]] {
      var options = CompilationOptions()
      options.batchSizes = batches
      options.teamThreads = 2
      let network = try CompiledNetwork(graph, weights, options: options)
      #expect(network.referenceStepCount == 0)
      let context = try ExecutionContext(network, team: true)
      let image = ReproducibleNumbers("cuts").values(
        count: network.inputShape.elementCount, from: -2, to: 2)
      let alone = try context.logits(of: image, count: 1)
      var onTeam = [Float](repeating: .nan, count: alone.count)
      var span = onTeam.mutableSpan
      try context.runOnTeam(imageCount: 1, input: unsafe image.span.bytes, logits: &span)
      let largest = try #require(alone.map(abs).max())
      #expect(ParityTests.largestDifference(alone, onTeam) <= 1e-5 * largest)
    }
  }

  @Test(
    "Odd networks have none beyond the small steps that oneDNN has nothing else for",
    arguments: 0..<24)
  func odd(seed: Int) throws {
    var dice = Dice("loops \(seed)")
    let channels = dice.pick([3, 5, 16, 24, 33])
    var graph = Graph(
      input: FeatureShape(channels: 3, height: dice.pick([9, 65]), width: dice.pick([8, 40])))
    var convolution = Convolution(outputChannels: channels, kernel: Extent(3))
    convolution.padding = Padding(1)
    convolution.hasBias = true
    let stem = graph.append("stem", .convolution(convolution), 0)
    convolution.groups = dice.pick([1, channels])
    let main = graph.append("conv", .convolution(convolution), stem)
    let gate = graph.append("gate", .elementwise(.sigmoid), main)
    let scaled = graph.append("scale", .multiply, main, gate)
    let sum = graph.append("add", .add, scaled, stem)
    var pooling = Pooling(window: Extent(3), stride: Extent(2), padding: Padding(1))
    pooling.countsPadding = dice.pick([true, false])
    let pooled = graph.append(
      "pool", dice.pick([.maxPool(pooling), .averagePool(pooling)]), sum)
    let all = graph.append("all", .concatenation, pooled, pooled)
    graph.append("mean", .globalAveragePool, all)
    graph.append("fc", .linear(Linear(outputs: 7)), graph.output)
    let weights = try Weights.random(for: graph)
    for precision in Precision.allCases where precision.isSupported {
      var options = CompilationOptions()
      options.batchSizes = [1, 3]
      options.teamThreads = 2
      options.precision = precision
      options.calibration = try Self.calibration(graph)
      let network = try CompiledNetwork(graph, weights, options: options)
      let slow = (network.steps(batch: 1) + network.steps(batch: 3) + network.teamSteps)
        .filter(\.isReference)
      #expect(slow.count == network.referenceStepCount)
      // A sigmoid is not a plain loop if channels fill up a block; as long as it is small it is not
      // reordered for that.
      let isSmall = try 16 * graph.shapes()[gate].elementCount <= Self.workLimit
      #expect(slow.allSatisfy { $0.name == "gate" } && (isSmall || slow.isEmpty), "\(slow)")
    }
  }
}
